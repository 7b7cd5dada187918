"""A large photograph -> tiles; what was found in the tiles -> what is on the photograph."""

from anomaly.tiling.merge import merge
from anomaly.tiling.piece import Merged, Piece
from anomaly.tiling.plan import TilingPlan, auto_tiles, choose, plan_tiles

__all__ = ["Merged", "Piece", "TilingPlan", "auto_tiles", "choose", "merge", "plan_tiles"]
