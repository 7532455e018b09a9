"""Orders per day, as bars: the last fortnight in the current zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from merchants.models import Merchant
from orders.models import SPLIT_PARTS, Order

DAYS = 14
STEP, WIDTH, HEIGHT, GROUND = 26, 18, 100, 110  # in units of the drawing


@dataclass(frozen=True, slots=True)
class Bar:
    """One day."""

    day: date
    number: int
    x: int
    y: int
    height: int
    is_today: bool

    @property
    def middle(self) -> int:
        return self.x + WIDTH // 2

    @property
    def above(self) -> int:
        """Where the figure stands, over the bar."""
        return self.y - 3

    @property
    def label(self) -> str:
        return _("today") if self.is_today else date_format(self.day, "j M")


@dataclass(frozen=True, slots=True)
class Plot:
    """The bars and what they say in words."""

    bars: list[Bar]

    @property
    def is_empty(self) -> bool:
        return not any(bar.number for bar in self.bars)

    @property
    def marks(self) -> list[Bar]:
        """The days that are named below."""
        return [self.bars[0], self.bars[DAYS // 2], self.bars[-1]]

    @property
    def words(self) -> str:
        before = [bar.number for bar in self.bars[:-1]]
        said = _("Orders per day, last %(days)d days: %(least)d to %(most)d, today %(today)d so far")
        return said % {"days": DAYS, "least": min(before), "most": max(before), "today": self.bars[-1].number}


def look(merchant: Merchant, now: datetime) -> Plot:
    """Orders by the day on which they were placed; parts that were split off here are not counted again."""
    zone = timezone.get_current_timezone()
    today = timezone.localdate(now)
    first = today - timedelta(days=DAYS - 1)
    start = datetime(first.year, first.month, first.day, tzinfo=zone)
    rows = Order.objects.for_merchant(merchant).filter(placed_at__gte=start, part__lt=SPLIT_PARTS).order_by()
    per_day = rows.values(day=TruncDate("placed_at", tzinfo=zone)).annotate(number=Count("pk"))
    return draw({row["day"]: row["number"] for row in per_day}, today)


def draw(numbers: dict[date, int], today: date) -> Plot:
    """The bars of the fortnight that ends today; the highest takes the whole height. Pure."""
    fortnight = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    most = max((numbers.get(day, 0) for day in fortnight), default=0) or 1
    bars = []
    for place, day in enumerate(fortnight):
        number = numbers.get(day, 0)
        height = max(1, round(HEIGHT * number / most)) if number else 0
        bars.append(Bar(day, number, 4 + STEP * place, GROUND - height, height, day == today))
    return Plot(bars)
