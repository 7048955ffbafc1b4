"""How boards look: small HTML in the colors of JupyterLab's theme, so that the dark one can be read too."""

from course_lib.lab.picture import BLOCKED, INK

LINE = "var(--jp-border-color2, #bbb)"
SOFT = "var(--jp-ui-font-color2, #777)"
RED = "var(--jp-error-color1, #d32f2f)"

CALM, WAITS, TROUBLE = "#CDE9DD", BLOCKED.face, "#F6C9A8"
"""Faces for a frame: all is going on, somebody waits, something is wrong."""


def framed(words: str, face: str = "transparent") -> str:
    """Return words in a frame; on a face their letters are dark, also on a dark page."""
    ink = "inherit" if face == "transparent" else INK
    style = f"background:{face}; color:{ink}; border:1px solid {LINE}; border-radius:4px; padding:6px 10px"
    return f'<div style="{style}; line-height:1.4">{words}</div>'
