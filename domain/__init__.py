"""What is true: events, state, evolve and decide. Pure: the standard library and msgspec only."""
