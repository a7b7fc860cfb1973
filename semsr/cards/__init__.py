"""What a card may say: frozen pydantic models; an unknown key is an error that names file, key, value and what is allowed."""

from semsr.cards.asset import Asset, AssetFile, Mirror
from semsr.cards.base import Card, Id, parse_card
from semsr.cards.dataset import DatasetCard
from semsr.cards.method import MethodCard, Variant
from semsr.cards.metric import MetricCard
from semsr.cards.profile import ProfileCard, Track
from semsr.cards.protocol import ProtocolCard, ProtocolColumn, SemanticProtocolCard
from semsr.cards.recipe import Recipe
from semsr.cards.segmenter import SegmenterCard
from semsr.cards.table import AnyTable, DescriptionTableCard, SemanticTableCard, TableCard, TableRow

__all__ = [
    "AnyTable",
    "Asset",
    "AssetFile",
    "Card",
    "DatasetCard",
    "DescriptionTableCard",
    "Id",
    "MethodCard",
    "MetricCard",
    "Mirror",
    "ProfileCard",
    "ProtocolCard",
    "ProtocolColumn",
    "Recipe",
    "SegmenterCard",
    "SemanticProtocolCard",
    "SemanticTableCard",
    "TableCard",
    "TableRow",
    "Track",
    "Variant",
    "parse_card",
]
