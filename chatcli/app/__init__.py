"""One run of the command line: its parts put together.

`app.py` opens sessions and is what commands act on; `opening.py` and `firstrun.py` are what is said
before the first prompt, `answering.py` who answers, `outlook.py` what the toolbar tells.
"""

from chatcli.app.app import App, Options

__all__ = ["App", "Options"]
