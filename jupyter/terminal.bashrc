# The start-up file of the terminals in JupyterLab: the user's own, then the course's Python first on PATH.
if [ -f ~/.bashrc ]; then . ~/.bashrc; fi
if [ -n "$VIRTUAL_ENV" ]; then . "$VIRTUAL_ENV/bin/activate"; fi
