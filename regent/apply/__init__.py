"""Changes become SQL, in short transactions that give way to the application."""
