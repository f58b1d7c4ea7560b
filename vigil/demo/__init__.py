"""`vigil demo`: one exam from scheduling to the verified export, played over HTTP against real servers."""
