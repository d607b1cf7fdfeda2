"""Draw the pictures of the sample announcements, without any words, so that they need no translation.

    python tools/draw_pictures.py [FOLDER]

Needs Pillow, which the program itself does not. Lengths are in pixels of the finished picture.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
WIDTH, HEIGHT = 1200, 800
SCALE = 2  # drawn larger and reduced at the end, for smooth edges
QUALITY = 88

Point = tuple[float, float]
Line = Sequence[Point]


def curve(*controls: Point, steps: int = 32) -> Line:
    """Return a Bézier curve of any degree as a line."""
    line = []
    for step in range(steps + 1):
        points = list(controls)
        t = step / steps
        while len(points) > 1:
            points = [(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t) for a, b in pairwise(points)]
        line.append(points[0])
    return line


def path(*curves: Line) -> Line:
    """Return curves one after another, each given by its control points, as one line."""
    return [point for controls in curves for point in curve(*controls)]


def both_sides(half: Line) -> Line:
    """Return a closed outline from its right half, top to bottom."""
    return [*half, *((-x, y) for x, y in reversed(half))]


def moved(line: Line, to: Point, *, angle: float = 0, size: float = 1) -> Line:
    """Return a line turned by `angle` degrees around its origin, enlarged, and put at `to`."""
    cos, sin = math.cos(math.radians(angle)) * size, math.sin(math.radians(angle)) * size
    return [(to[0] + x * cos - y * sin, to[1] + x * sin + y * cos) for x, y in line]


def ring(centre: Point, radius_x: float, radius_y: float | None = None) -> Line:
    """Return a circle or an ellipse as a line."""
    radius_y = radius_x if radius_y is None else radius_y
    turn = [math.radians(degree) for degree in range(0, 360, 3)]
    return [(centre[0] + radius_x * math.cos(a), centre[1] + radius_y * math.sin(a)) for a in turn]


def rectangle(left: float, top: float, right: float, bottom: float) -> Line:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


class Canvas:
    """A picture under way: shapes with soft shadows, folds and light."""

    def __init__(self, top: str, bottom: str) -> None:
        self.size = (WIDTH * SCALE, HEIGHT * SCALE)
        ramp = Image.linear_gradient("L").resize(self.size)
        self.image = Image.composite(
            Image.new("RGB", self.size, bottom), Image.new("RGB", self.size, top), ramp
        )

    def _mask(self, line: Line, blur: float = 0, strength: float = 1) -> Image.Image:
        mask = Image.new("L", self.size)
        points = [(x * SCALE, y * SCALE) for x, y in line]
        ImageDraw.Draw(mask).polygon(points, fill=round(255 * strength))
        return mask.filter(ImageFilter.GaussianBlur(blur * SCALE)) if blur else mask

    def _stroke(self, line: Line, width: float, blur: float = 0, strength: float = 1) -> Image.Image:
        mask = Image.new("L", self.size)
        draw = ImageDraw.Draw(mask)
        fill, half = round(255 * strength), width * SCALE / 2
        points = [(x * SCALE, y * SCALE) for x, y in line]
        draw.line(points, fill=fill, width=max(1, round(width * SCALE)), joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - half, y - half, x + half, y + half), fill=fill)
        return mask.filter(ImageFilter.GaussianBlur(blur * SCALE)) if blur else mask

    def shape(
        self, line: Line, colour: str, *, strength: float = 1, blur: float = 0, shadow: float = 0
    ) -> None:
        """Fill an outline; `shadow` is how far below it its soft shadow falls."""
        if shadow:
            below = moved(line, (shadow * 0.5, shadow))
            self.image.paste("#1c120c", mask=self._mask(below, blur=shadow, strength=0.32))
        self.image.paste(colour, mask=self._mask(line, blur, strength))

    def line(self, line: Line, colour: str, width: float, *, strength: float = 1, blur: float = 0) -> None:
        self.image.paste(colour, mask=self._stroke(line, width, blur, strength))

    def folds(self, outline: Line, lines: Sequence[Line], colour: str, width: float, strength: float) -> None:
        """Lay soft streaks of light or shade inside an outline, as cloth has them."""
        inside = self._mask(outline)
        for line in lines:
            streak = self._stroke(line, width, blur=width * 0.6, strength=strength)
            self.image.paste(colour, mask=ImageChops.multiply(streak, inside))

    def light(self, centre: Point, radius: float, colour: str, strength: float) -> None:
        """Add light, brightest in the middle."""
        layer = Image.new("RGB", self.size)
        spot = self._mask(ring(centre, radius * 0.5), blur=radius * 0.35, strength=strength)
        layer.paste(colour, mask=spot)
        self.image = ImageChops.screen(self.image, layer)

    def save(self, path: Path) -> None:
        finished = self.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        finished.save(path, "JPEG", quality=QUALITY, optimize=True, progressive=True)


BRASS, BRASS_LIGHT, LIGHT, DARK = "#b08d57", "#e3c893", "#ffffff", "#000000"
FOLDS = ((-0.62, DARK, 0.2), (-0.3, LIGHT, 0.2), (0.08, DARK, 0.15), (0.36, LIGHT, 0.16), (0.72, DARK, 0.24))


def hanger(canvas: Canvas, at: Point) -> None:
    """Draw a hanger whose hook goes over the rail at `at`."""
    hook = curve((-9, 2), (-11, -14), (13, -16), (10, 4), (0, 14), (0, 32))
    canvas.line(moved(hook, at), BRASS, 3)
    canvas.line(moved([(-62, 56), (0, 31), (62, 56)], at), "#8a6743", 6)


def garment(canvas: Canvas, at: Point, half: Line, colour: str, *, sleeve: Line | None = None) -> Line:
    """Draw a garment from its right half, with folds; return its outline."""
    for side in (1, -1) if sleeve else ():
        outline = moved([(x * side, y) for x, y in sleeve or []], at)
        canvas.shape(outline, colour, shadow=7)
        canvas.folds(outline, [moved([(side * 74, 60), (side * 92, 290)], at)], DARK, 10, 0.22)
    outline = moved(both_sides(half), at)
    canvas.shape(outline, colour, shadow=9)
    bottom = max(y for _, y in half)
    for x, tone, strength in FOLDS:
        widest = max(x for x, _ in half)
        streak = curve((x * 40, 90), (x * 46, bottom * 0.5), (x * widest, bottom + 10))
        canvas.folds(outline, [moved(streak, at)], tone, 13, strength)
    return outline


def dress(canvas: Canvas, at: Point, colour: str, sleeve: Line | None = None) -> None:
    neck, bodice = [(0, 92), (22, 44)], [(46, 50), (38, 96), (62, 118)]
    waist, hem = [(62, 118), (52, 160), (44, 196)], [(122, 462), (60, 480), (0, 478)]
    half = path(neck, bodice, waist, [(44, 196), (58, 300), (122, 462)], hem)
    garment(canvas, at, half, colour, sleeve=sleeve)
    canvas.line(moved(curve((-45, 195), (0, 204), (45, 195)), at), "#5d2a1c", 5, strength=0.8)


def evening_dress(canvas: Canvas, at: Point, colour: str) -> None:
    sleeve = curve((40, 48), (80, 60), (84, 150), (100, 262))
    dress(canvas, at, colour, [*sleeve, (78, 268), (34, 112)])


def coat(canvas: Canvas, at: Point, colour: str) -> None:
    shoulder, seam = [(20, 40), (60, 46), (84, 64)], [(84, 64), (76, 220), (98, 424)]
    half = path([(0, 96), (20, 40)], shoulder, seam, [(98, 424), (50, 434), (0, 432)])
    sleeve = [*curve((78, 58), (108, 70), (112, 160), (126, 300)), (98, 308), (74, 130)]
    garment(canvas, at, half, colour, sleeve=sleeve)
    for side in (1, -1):
        lapel = [
            (side * 20, 40),
            (side * 46, 58),
            (side * 42, 92),
            (side * 52, 100),
            (side * 3, 196),
            (0, 96),
        ]
        canvas.shape(moved(lapel, at), "#a87f52", shadow=3)
    canvas.line(moved([(2, 196), (3, 431)], at), "#7d5c38", 2)
    for y in (216, 262, 308):
        canvas.shape(moved(ring((15, y), 5), at), "#5b4028", shadow=2)


def blouse(canvas: Canvas, at: Point, colour: str) -> None:
    neck, shoulder = [(0, 74), (26, 72), (30, 42)], [(30, 42), (52, 46), (68, 58)]
    half = path(neck, shoulder, [(68, 58), (60, 150), (74, 262)], [(74, 262), (36, 274), (0, 270)])
    sleeve = path([(62, 54), (112, 60), (104, 150), (128, 236)], [(128, 236), (110, 256), (92, 246)])
    garment(canvas, at, half, colour, sleeve=[*sleeve, (64, 120)])
    canvas.line(moved([(0, 76), (0, 270)], at), "#b9a88c", 2, strength=0.7)
    for y in range(96, 260, 30):
        canvas.shape(moved(ring((0, y), 3.2), at), "#cdb98f")


def skirt(canvas: Canvas, at: Point, colour: str) -> None:
    side = [(45, 74), (66, 180), (104, 388)]
    half = path([(0, 50), (44, 52)], side, [(104, 388), (50, 404), (0, 402)])
    outline = garment(canvas, at, half, colour)
    pleats = [moved([(x * 0.4, 76), (x, 400)], at) for x in (-78, -52, -26, 0, 26, 52, 78)]
    canvas.folds(outline, pleats, DARK, 4, 0.32)
    canvas.line(moved([(-45, 75), (45, 75)], at), "#4b5340", 2)
    for x in (-32, 32):
        canvas.shape(moved(rectangle(x - 5, 38, x + 5, 60), at), BRASS, shadow=2)


def new_collection() -> Canvas:
    """A rail with five pieces in earthy colours, in front of a light arch."""
    canvas = Canvas("#eadccb", "#dcc8b0")
    arch = [(250, 702), (250, 400), *curve((250, 400), (250, -40), (950, -40), (950, 400)), (950, 702)]
    canvas.shape(arch, "#f6ede1")
    canvas.shape(rectangle(0, 700, WIDTH, HEIGHT), "#c9b094")
    canvas.shape(ring((600, 738), 480, 22), "#5a4029", strength=0.4, blur=16)
    for leg in (150, 1050):
        canvas.line([(leg, 142), (leg, 736)], BRASS, 9)
        canvas.line([(leg - 2, 142), (leg - 2, 736)], BRASS_LIGHT, 2)
        canvas.line([(leg - 46, 738), (leg + 46, 738)], BRASS, 9)
    canvas.line([(128, 142), (1072, 142)], BRASS, 10)
    canvas.line([(128, 139), (1072, 139)], BRASS_LIGHT, 2.5)
    pieces: list[tuple[float, Callable[[Canvas, Point, str], None], str]] = [
        (268, skirt, "#7c8468"),
        (926, evening_dress, "#7a2f3a"),
        (436, blouse, "#f3e9d8"),
        (768, coat, "#bf9464"),
        (598, dress, "#c0694a"),
    ]
    for x, piece, colour in pieces:
        hanger(canvas, (x, 142))
        piece(canvas, (x, 142), colour)
    canvas.light((260, 60), 520, "#fff1d6", 0.28)
    return canvas


def vip_sale() -> Canvas:
    """A cream swing tag with a percent sign, on wine-red silk."""
    canvas = Canvas("#6f2533", "#3d111b")
    everything = rectangle(0, 0, WIDTH, HEIGHT)
    for number, start in enumerate((-300, -40, 230, 470, 730, 1010)):
        tone, strength = ("#240a10", 0.5) if number % 2 else ("#b4586a", 0.42)
        drape = curve((start, 860), (start + 260, 520), (start + 60, 330), (start + 420, -60))
        canvas.folds(everything, [drape], tone, 58, strength)
    at, angle = (585, 180), -14.0
    tag = [(-70, -62), (70, -62), (165, 42), (165, 505), (-165, 505), (-165, 42)]
    canvas.shape(moved(tag, at, angle=angle), "#f7eedf", shadow=20)
    inner = [(-61, -42), (61, -42), (146, 50), (146, 486), (-146, 486), (-146, 50), (-61, -42)]
    canvas.line(moved(inner, at, angle=angle), "#c9a562", 2.5)
    canvas.shape(moved(ring((0, 4), 25), at, angle=angle), "#c9a562", shadow=3)
    canvas.shape(moved(ring((0, 4), 14), at, angle=angle), "#3d111b")
    cord = curve((586, 184), (580, 60), (740, 130), (770, -30))
    canvas.line(moved(cord, (4, 9)), "#000000", 5, strength=0.3, blur=4)
    canvas.line(cord, "#d9b878", 5)
    for centre in ((-62, 188), (62, 362)):
        canvas.shape(moved(ring(centre, 47), at, angle=angle), "#7a2636")
        canvas.shape(moved(ring(centre, 32), at, angle=angle), "#f7eedf")
    canvas.line(moved([(84, 142), (-84, 408)], at, angle=angle), "#7a2636", 15)
    canvas.light((330, 90), 560, "#ffd9b0", 0.22)
    return canvas


def flute(canvas: Canvas, at: Point, angle: float) -> None:
    """Draw a glass of sparkling wine; `at` is the middle of its rim."""

    def place(line: Line) -> Line:
        return moved(line, at, angle=angle)

    bowl = both_sides([(0, 0), *curve((54, 0), (66, 150), (44, 262), (5, 292))])
    wine = both_sides([(0, 66), *curve((58, 66), (60, 160), (42, 254), (4, 284))])
    canvas.shape(place(bowl), "#dfe9ea", strength=0.13)
    canvas.shape(place(wine), "#e2b04e", strength=0.86)
    canvas.folds(place(wine), [place([(-34, 76), (-26, 240)])], "#fff0bd", 14, 0.75)
    canvas.folds(place(wine), [place([(40, 80), (24, 250)])], "#8a5a17", 12, 0.55)
    canvas.shape(place(ring((0, 66), 58, 8)), "#f7d98d", strength=0.9)
    for number in range(26):
        x, y = 27 * math.sin(number * 2.4), 78 + number * 7.4
        bubble = ring((x * (1 - number / 40), y), 1.6 + number % 3 * 0.8)
        canvas.shape(place(bubble), "#fff7da", strength=0.85)
    for side in (1, -1):
        edge = curve((side * 54, 0), (side * 66, 150), (side * 44, 262), (side * 5, 292))
        canvas.line(place(edge), "#f2f6f4", 2.4, strength=0.75)
    canvas.line(place([*ring((0, 0), 54, 7), (54, 0)]), "#f2f6f4", 2, strength=0.7)
    canvas.line(place([(0, 290), (0, 446)]), "#e9f0ee", 6, strength=0.75)
    canvas.shape(place(ring((0, 450), 62, 9)), "#e9f0ee", strength=0.5)
    canvas.line(place([*ring((0, 450), 62, 9), (62, 450)]), "#f7fbfa", 2, strength=0.7)


def event_invitation() -> Canvas:
    """Two glasses touching under a string of evening lights."""
    canvas = Canvas("#10212b", "#27424a")
    for number in range(22):
        spot = ((number * 397) % WIDTH, 330 + (number * 251) % 430)
        canvas.shape(
            ring(spot, 14 + number * 7 % 30), "#e9b463", strength=0.05 + 0.015 * (number % 4), blur=2
        )
    canvas.light((600, 420), 620, "#c98f45", 0.38)
    wires = [
        curve((-40, 40), (240, 220), (560, 190), (820, -40)),
        curve((440, -60), (780, 210), (1020, 170), (1260, 50)),
    ]
    for wire in wires:
        canvas.line(wire, "#0a151b", 3)
        for x, y in wire[3:-2:4]:
            canvas.line([(x, y), (x, y + 14)], "#0a151b", 6)
            canvas.light((x, y + 28), 66, "#ffc46b", 0.85)
            canvas.shape(ring((x, y + 29), 10, 13), "#fff0c9")
    flute(canvas, (546, 258), 11)
    flute(canvas, (654, 258), -11)
    canvas.light((600, 268), 70, "#fff3cf", 0.7)
    return canvas


def sprig(canvas: Canvas, at: Point, angle: float, size: float) -> None:
    """Draw a twig of eucalyptus."""
    stem = curve((0, 0), (20, -120), (-14, -250), (10, -370))
    canvas.line(moved(stem, at, angle=angle, size=size), "#6c7a5e", 4)
    for number, (x, y) in enumerate(stem[3::3]):
        half = curve((0, 0), (34, -12), (34, -58), (0, -72))
        for side in (1, -1):
            leaf = moved(both_sides(half), (x, y), angle=side * (62 - number * 3), size=0.98 - number * 0.05)
            placed = moved(leaf, at, angle=angle, size=size)
            canvas.shape(placed, ("#8fa083", "#7d9074", "#9cab8e")[(number + side) % 3], shadow=4)


def bow(canvas: Canvas, at: Point, colour: str, dark: str) -> None:
    """Draw a ribbon tied in a bow."""
    for side in (1, -1):
        tail = path(
            [(0, 0), (side * 50, 60), (side * 40, 120), (side * 104, 176)],
            [(side * 66, 196), (side * 70, 172)],
            [(side * 24, 150), (side * 14, 70), (-side * 6, 6)],
        )
        canvas.shape(moved(tail, at), dark, shadow=6)
    for side in (1, -1):
        loop = path(
            [(0, -6), (side * 70, -118), (side * 206, -96), (side * 168, 6)],
            [(side * 168, 6), (side * 140, 70), (side * 60, 34), (0, 12)],
        )
        outline = moved(loop, at)
        canvas.shape(outline, colour, shadow=9)
        hollow = path(
            [(side * 44, -8), (side * 90, -62), (side * 150, -54), (side * 136, -2)],
            [(side * 136, -2), (side * 120, 32), (side * 76, 20), (side * 44, -8)],
        )
        canvas.shape(moved(hollow, at), dark)
        gleam = moved(curve((side * 16, -12), (side * 80, -76), (side * 150, -74)), at)
        canvas.folds(outline, [gleam], LIGHT, 9, 0.3)
    knot = both_sides([(0, -30), *curve((22, -28), (32, 0), (22, 28)), (0, 30)])
    canvas.shape(moved(knot, at), colour, shadow=6)


def thank_you() -> Canvas:
    """A present with a bow and green twigs, seen from above."""
    canvas = Canvas("#efe6da", "#e2d5c4")
    canvas.light((280, 80), 600, "#ffffff", 0.35)
    sprig(canvas, (905, 640), 24, 1.15)
    sprig(canvas, (300, 700), -38, 1.0)
    at, angle = (600, 410), -7.0
    box = moved(rectangle(-230, -230, 230, 230), at, angle=angle)
    canvas.shape(box, "#d9a793", shadow=24)
    canvas.folds(box, [moved([(-230, -200), (200, -230)], at, angle=angle)], LIGHT, 70, 0.28)
    for ribbon in (rectangle(-34, -230, 34, 230), rectangle(-230, -34, 230, 34)):
        canvas.shape(moved(ribbon, at, angle=angle), "#8c3745", shadow=4)
    for side in (29, -29):
        for seam in ([(side, -230), (side, 230)], [(-230, side), (-36, side)], [(36, side), (230, side)]):
            canvas.line(moved(seam, at, angle=angle), "#c98a86", 1.6, strength=0.8)
    bow(canvas, at, "#9c4250", "#742b38")
    return canvas


PICTURES: dict[str, Callable[[], Canvas]] = {
    "new-collection": new_collection,
    "vip-sale": vip_sale,
    "event-invitation": event_invitation,
    "thank-you": thank_you,
}


def main(folder: Path) -> None:
    """Draw each picture into the folder of its template."""
    for template, draw in PICTURES.items():
        (folder / template).mkdir(parents=True, exist_ok=True)
        draw().save(folder / template / "picture.jpg")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TEMPLATES)
