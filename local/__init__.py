"""Everything that runs Rollcall on one machine: the local AWS and the sample vendors."""
