"""Python runs this at its start where tool/ansible/trace is on PYTHONPATH: begins the trace, then the machine's own sitecustomize.

Any Python may get here (a module on localhost runs under the interpreter that it asks for), so the syntax is that of every version.
"""

import os
import sys


def _begin_trace():
    if not os.environ.get("LAYERS_ANSIBLE_TRACE") or sys.version_info < (3, 8):
        return
    try:
        import layers_trace

        layers_trace.begin(os.environ["LAYERS_ANSIBLE_TRACE"])
    except Exception:
        # The reader misses the end mark, or this process's paths at worst; Ansible goes on.
        pass


def _run_next():
    """The sitecustomize that this one hides."""
    own = os.path.dirname(os.path.abspath(__file__))
    hidden = [one for one in sys.path if os.path.abspath(one or ".") != own]
    try:
        from importlib.machinery import PathFinder
        from importlib.util import module_from_spec

        spec = PathFinder.find_spec("sitecustomize", hidden)
        if spec is None or spec.loader is None:
            return
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)
    except ImportError:
        # An old Python, or one whose sitecustomize lacks what it needs: as without us.
        pass


_begin_trace()
_run_next()
