"""How `make lab` runs JupyterLab: it puts this folder on JUPYTER_CONFIG_PATH."""

import os
import shutil
from pathlib import Path

here = Path(__file__).parent
c = get_config()  # noqa: F821  (Jupyter provides it)

# The lessons link to ../course_lib, which a server rooted at notebooks/ would not serve.
c.ServerApp.root_dir = str(here.parent)
c.LabApp.default_url = "/lab/tree/notebooks/00_start_here.ipynb"

# In a container everybody is root, whom Jupyter refuses without this. For others it changes nothing.
c.ServerApp.allow_root = True

# A terminal must find the course's `python` first. The user's shell, started plainly, would not see to that:
# as a login shell it resets PATH (Debian's /etc/profile), otherwise ~/.bashrc may (pyenv, conda).
if os.name == "posix" and (bash := shutil.which("bash")):
    c.ServerApp.terminado_settings = {"shell_command": [bash, "--rcfile", str(here / "terminal.bashrc")]}
