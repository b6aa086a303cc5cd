"""The steps from each version of the state database to the next, run by `upgrade`.

A step that has been released is never edited: a home somewhere has taken it already.
"""

__all__: list[str] = []
