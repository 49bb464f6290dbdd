# Every login gets a session that survives a lost connection; LAYERS_NO_TMUX=1 opts out.
if [ -n "$SSH_TTY" ] && [ -z "$TMUX$LAYERS_NO_TMUX" ] && command -v tmux >/dev/null; then
  tmux attach || tmux new
fi
