"""What is measured, a letter each; every `measure` adds to the results what it finds."""
