"""What is found out from series and events: pure functions that know no store and no clock."""

__all__: list[str] = []
