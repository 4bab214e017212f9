"""Who may do what on one object, and by which chain: `postgregent why` and `who-can`."""
