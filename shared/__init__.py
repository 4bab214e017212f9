"""The words that the controller and the Regent share. Imports nothing of ours."""
