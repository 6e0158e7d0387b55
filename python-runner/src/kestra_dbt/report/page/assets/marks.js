// How a state is painted: a colour and a pattern, so that neither is needed to know it.

function paint(context, outcome, x, y, width, height) {
  const colour = cssColour(`--${outcome}`);
  if (outcome === "skipped" || outcome === "none") return outline(context, colour, x, y, width, height);
  context.fillStyle = colour;
  context.fillRect(x, y, width, height);
  if (outcome === "failed") stripes(context, x, y, width, height, height);
  if (outcome === "warning") stripes(context, x, y, width, height, 0);
  if (outcome === "unfinished") outline(context, cssColour("--mark"), x, y, width, height);
}

function outline(context, colour, x, y, width, height) {
  context.save();
  context.setLineDash([4, 3]);
  context.strokeStyle = colour;
  context.strokeRect(x + 0.5, y + 0.5, Math.max(width - 1, 1), Math.max(height - 1, 1));
  context.restore();
}

// Slanting lines where it failed, upright ones where it warned.
function stripes(context, x, y, width, height, slant) {
  if (width < 5) return;
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = "rgba(0, 0, 0, .45)";
  context.lineWidth = Math.max(height / 10, 1);
  context.beginPath();
  const every = Math.max(height / 2, 5);
  for (let at = x - slant; at < x + width; at += every) {
    context.moveTo(at, y + height);
    context.lineTo(at + slant, y);
  }
  context.stroke();
  context.restore();
}

const colours = new Map();

function cssColour(name) {
  if (!colours.has(name)) {
    colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  }
  return colours.get(name);
}

function onOtherColours(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { colours.clear(); redraw(); });
}
