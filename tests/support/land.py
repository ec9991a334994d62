"""A small piece of land for the demo scenes."""

#: West of Brittany, where the demo scenes lie: half of them land, half sea.
LAND = [[-5.0, 47.0], [-4.0, 47.0], [-4.0, 50.0], [-5.0, 50.0], [-5.0, 47.0]]
