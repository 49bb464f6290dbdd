"""Tells layers what a playbook does: one JSON object a line, appended to the file that LAYERS_ANSIBLE_EVENTS names.

  {"event": "playbook", "total": 23}               total: tasks known beforehand; included files come on top
  {"event": "play", "name": "..."}
  {"event": "no_hosts"}                            the last play matched no host
  {"event": "task", "name": "chrony : install"}
  {"event": "handler", "name": "..."}
  {"event": "failed" or "unreachable", "task": "...", "path": "FILE:LINE", "message": "..."}

It changes nothing of a run, so whatever goes wrong in here is swallowed.
"""

import json
import os
import re

from ansible import constants as C
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: layers_events
    type: aggregate
    short_description: events for layers
    description:
      - Writes what a playbook does as JSON lines for the program that started it.
"""

MESSAGE_LENGTH = 2000
BUILDAH = re.compile(r"^(subprocess exited with status \d+|Error: exit status \d+)\n?", re.MULTILINE)


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "layers_events"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        place = os.environ.get("LAYERS_ANSIBLE_EVENTS")
        self.disabled = place is None
        # Unbuffered: one write a line, so that a reader never sees half of one that is complete.
        self._file = None if place is None else open(place, "ab", buffering=0)

    def _say(self, event, **more):
        try:
            self._file.write(json.dumps({"event": event, **more}).encode() + b"\n")
        except (OSError, ValueError, TypeError):
            pass

    def v2_playbook_on_start(self, playbook):
        self._say("playbook", total=count_tasks(playbook))

    def v2_playbook_on_play_start(self, play):
        self._say("play", name=str(play.get_name()))

    def v2_playbook_on_no_hosts_matched(self):
        self._say("no_hosts")

    def v2_playbook_on_task_start(self, task, is_conditional):
        if not is_meta(task):
            self._say("task", name=str(task.get_name()))

    def v2_playbook_on_handler_task_start(self, task):
        self._say("handler", name=str(task.get_name()))

    def v2_runner_on_failed(self, result, ignore_errors=False):
        if not ignore_errors:
            self._failure("failed", result)

    def v2_runner_on_unreachable(self, result):
        self._failure("unreachable", result)

    def _failure(self, event, result):
        task = result._task
        message = message_of(result._result)
        self._say(event, task=str(task.get_name()), path=task.get_path() or "", message=message[:MESSAGE_LENGTH])


def is_meta(task):
    return task.action in C._ACTION_META


def count_tasks(playbook):
    """Tasks of all plays as written, gathering of facts included; None when it cannot be told."""
    try:
        return sum(count_of_play(play) for play in playbook.get_plays())
    except Exception:
        return None


def count_of_play(play):
    gathers = play.gather_facts is None or bool(play.gather_facts)
    return int(gathers) + sum(count_of_block(block) for block in play.compile())


def count_of_block(block):
    count = 0
    for entry in block.block:
        if hasattr(entry, "block"):
            count += count_of_block(entry)
        elif not is_meta(entry):
            count += 1
    return count


def message_of(result):
    """What went wrong, in few words; results that no_log censors hold nothing else."""
    for item in result.get("results") or []:
        if isinstance(item, dict) and item.get("failed"):
            return message_of(item)
    parts = [result.get("msg"), without_buildah(result.get("stderr") or result.get("module_stderr"))]
    # Of a module that could not even start, this may be all that is known.
    parts.append(result.get("module_stdout"))
    return "\n".join(str(part).strip() for part in parts if part) or str(result.get("censored", ""))


def without_buildah(text):
    """The text without the last words of `buildah run`, which follow any exit code but 0."""
    return BUILDAH.sub("", str(text)) if text else text
