"""What looks wrong: pictures in, incidents with their evidence out. No detector decides anything about a person."""
