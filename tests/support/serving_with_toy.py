"""The service, which here loads the toy model too: `python -m serving_with_toy`."""

if __name__ == "__main__":
    from models.artifacts import trusted_types

    # Whatever loads artifacts takes the types over when it is imported.
    trusted_types.SERVED_TYPES += ("fakes.ToyModel",)
    from serving.__main__ import cli

    cli()
