"""chatcli for scripts and notebooks: the engine of the command line as one class.

from chatcli import Session

session = Session("You are a helpful assistant.")
session.send("My name is Alice.")
print(session.send("What is my name?"))

`session.py` is how a Session begins, is opened and saved; `talking.py` what it does once it is
there; `building.py` what it is made of; `wording.py` hints in the words of Python; `notebook.py`
how it is shown.
"""

from chatcli.api.session import Session

__all__ = ["Session"]
