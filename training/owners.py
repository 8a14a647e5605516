"""Whose a run or a data set is: a mark that only the browser which began it can make.

A browser has a secret, see `ui.browser`. A run keeps a mark made with it, another one for each run: who reads
the folder of the runs can neither act as their owner nor see which runs have the same one. A run without a
mark is nobody's, such as one from the terminal. The same holds for readers' own data sets.
"""

import hmac


def mark(secret: str, id: str) -> str:
    """The mark of the run or data set `id` for the holder of a secret; empty where there is no secret."""
    return hmac.new(secret.encode(), id.encode(), "sha256").hexdigest() if secret else ""


def marked(mark_: str, secret: str, id: str) -> bool:
    """Whether the run or data set `id`, which has this mark, belongs to the holder of the secret."""
    return bool(mark_) and hmac.compare_digest(mark_.encode(), mark(secret, id).encode())
