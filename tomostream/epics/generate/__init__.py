"""Files for beamlines, made from the one declaration of the records.

`tomostream generate` writes them; they are committed, and a test makes them anew and
finds no difference.
"""

from tomostream.epics.generate.files import generated_files

__all__ = ["generated_files"]
