"""The servers that the tests run on: real ones, of every version that we serve."""
