"""The messages, errors and policies that services share; imports msgspec and the standard library only."""
