"""What headers and state words of exports mean: tables by product and language."""
