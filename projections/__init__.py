"""What people see: the projector kernel and one file per read model."""
