"""The rooms as pieces of work: each module makes the pieces of one room and carries them out."""
