"""`python -m cli` is the command, too: where no script was installed."""

from cli.main import app

if __name__ == "__main__":
    app(prog_name="postgregent")
