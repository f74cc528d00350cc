// Draws the charts of a page from the figures that stand in it; tables beside them show the same.
const OPTIONS = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false };
const LINE_PIXELS = 18;
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// Several hues that can be told apart, light enough to be written on in either scheme.
function hues() {
  return dark.matches
    ? ["#2f7d5f", "#3f6f9f", "#8a6d2f", "#7d4f86", "#9a5548", "#4f7f86", "#6f7a3a", "#5a5f8f"]
    : ["#8fd0b4", "#a9c8ea", "#efd190", "#d9b4e0", "#f0b9ae", "#a9dbe0", "#cfd99a", "#b9bdec"];
}

// The same for lines, which have to stand out from the paper.
function strongHues() {
  return dark.matches
    ? ["#6fd1a8", "#8db4ff", "#f5c56b", "#d9a7e0", "#ffaaa0", "#8fdbe0", "#c4d17a", "#b3b8f5"]
    : ["#0b6a4a", "#1a57c2", "#7a4b00", "#7a2f88", "#a3261b", "#1f6f78", "#5d6a12", "#4a4fa0"];
}

// Names come from files of companies: what plotly would take for markup is shown as it is.
function plain(text) {
  return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function shortened(text, most) {
  const characters = [...String(text)];
  return plain(characters.length > most ? characters.slice(0, most - 1).join("") + "…" : text);
}

function transparent(hue, alpha) {
  return hue + Math.round(alpha * 255).toString(16).padStart(2, "0");
}

function layout(more) {
  return {
    margin: { l: 12, r: 12, t: 12, b: 12 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour("ink") },
    hoverlabel: { bgcolor: colour("paper"), bordercolor: colour("line"), font: { color: colour("ink") } },
    dragmode: false,
    ...more,
  };
}

function sankey(data) {
  const all = hues();
  // A tier and the lines that come from it have one colour.
  const tiers = data.nodes.map((node, index) => (node.role === "tier" ? index : -1)).filter((one) => one >= 0);
  const tierOf = new Map(tiers.map((index, place) => [index, place]));
  for (const link of data.links) {
    if (tierOf.has(link.from) && !tierOf.has(link.to)) tierOf.set(link.to, tierOf.get(link.from));
  }
  const hueOf = (index) => {
    const role = data.nodes[index].role;
    return role === "tier" || role === "line" ? all[tierOf.get(index) % all.length] : colour("soft");
  };
  const trace = {
    type: "sankey",
    arrangement: "fixed",
    node: {
      label: data.nodes.map((node) => shortened(node.label, 30)),
      customdata: data.nodes.map((node) => plain(node.label)),
      color: data.nodes.map((node, index) => hueOf(index)),
      line: { width: 0 },
      pad: LINE_PIXELS,
      thickness: 14,
      hovertemplate: "%{customdata}<extra></extra>",
    },
    link: {
      source: data.links.map((link) => link.from),
      target: data.links.map((link) => link.to),
      value: data.links.map((link) => Number(link.value)),
      color: data.links.map((link) => transparent(tierOf.has(link.from) ? hueOf(link.from) : "#808080", 0.35)),
      customdata: data.links.map((link) => plain(link.text)),
      hovertemplate: "%{source.customdata} → %{target.customdata}<br>%{customdata} kg CO₂e<extra></extra>",
    },
  };
  // Each line has room for its label.
  const lines = data.nodes.filter((node) => node.role === "line").length;
  return [[trace], layout({ height: 160 + lines * (LINE_PIXELS + 4) })];
}

function treemap(data) {
  const all = hues();
  const processes = data.items.filter((item) => item.parent === "product").map((item) => item.id);
  const hueOf = (item) => {
    const process = item.parent === "product" ? item.id : item.parent;
    return process === "" ? colour("line") : all[processes.indexOf(process) % all.length];
  };
  const trace = {
    type: "treemap",
    ids: data.items.map((item) => item.id),
    labels: data.items.map((item) => plain(item.label)),
    parents: data.items.map((item) => item.parent),
    values: data.items.map((item) => Number(item.value)),
    text: data.items.map((item) => (item.text ? `${plain(item.text)} kg CO₂e` : "")),
    textinfo: "label+text",
    hovertemplate: "%{label}<br>%{text}<extra></extra>",
    marker: { colors: data.items.map(hueOf), line: { width: 1, color: colour("paper") } },
    textfont: { color: dark.matches ? "#ffffff" : "#1b211d" },
    pathbar: { visible: false },
    tiling: { pad: 2 },
  };
  return [[trace], layout({ uniformtext: { minsize: 10, mode: "hide" } })];
}

function trend(data) {
  const trace = {
    type: "scatter",
    mode: "lines+markers",
    x: data.points.map((point) => point.at),
    y: data.points.map((point) => Number(point.value)),
    customdata: data.points.map((point) =>
      [point.text + " kg CO₂e", ...point.notes.slice(0, 3)].map((one) => shortened(one, 90)).join("<br>"),
    ),
    hovertemplate: "%{customdata}<extra></extra>",
    line: { shape: "hv", color: colour("accent"), width: 2 },
    marker: { size: 9, color: colour("accent") },
  };
  const axis = { gridcolor: colour("line"), zeroline: false, fixedrange: true, automargin: true };
  return [
    [trace],
    layout({
      margin: { l: 50, r: 20, t: 16, b: 36 },
      xaxis: { ...axis, showgrid: false, type: "date" },
      yaxis: { ...axis, rangemode: "tozero" },
    }),
  ];
}

function lines(text) {
  return String(text).split("\n").map((one) => shortened(one, 90)).join("<br>");
}

// Bars as wide as the share that a supplier has, one beside the other; what is not known is only a frame.
function coverage(data) {
  const widths = data.bars.map((bar) => Number(bar.width));
  const starts = widths.map((_, index) => widths.slice(0, index).reduce((sum, one) => sum + one, 0));
  const whole = widths.reduce((sum, one) => sum + one, 0);
  const bars = (heights, hue, frame) => ({
    type: "bar",
    x: starts,
    y: heights,
    width: widths,
    offset: 0,
    customdata: data.bars.map((bar) => lines(bar.text)),
    hovertemplate: "%{customdata}<extra></extra>",
    marker: { color: hue, line: { width: 1, color: colour(frame) } },
  });
  const known = (bar) => bar.covered !== undefined;
  const primary = data.bars.map((bar) => (known(bar) ? Number(bar.primary ?? 0) : 0));
  const covered = data.bars.map((bar, index) => (known(bar) ? Number(bar.covered) - primary[index] : 0));
  const rest = data.bars.map((bar, index) => (known(bar) ? 1 - primary[index] - covered[index] : 0));
  const unknown = data.bars.map((bar) => (known(bar) ? 0 : 1));
  const ink = colour("accent");
  const axis = { gridcolor: colour("line"), zeroline: false, fixedrange: true, automargin: true };
  // A name below each bar that is wide enough for some letters of it.
  const named = data.bars.map((bar, index) => index).filter((index) => widths[index] / whole > 0.06);
  return [
    [
      bars(primary, ink, "paper"),
      bars(covered, transparent(ink, 0.45), "paper"),
      bars(rest, transparent(ink, 0.08), "paper"),
      bars(unknown, "rgba(0,0,0,0)", "soft"),
    ],
    layout({
      barmode: "stack",
      showlegend: false,
      margin: { l: 50, r: 12, t: 12, b: 40 },
      xaxis: {
        ...axis, showgrid: false, range: [0, whole], tickangle: 0,
        tickvals: named.map((index) => starts[index] + widths[index] / 2),
        ticktext: named.map((index) => shortened(data.bars[index].label, Math.max(6, Math.floor((widths[index] / whole) * 90)))),
      },
      yaxis: { ...axis, range: [0, 1], tickformat: ".0%" },
    }),
  ];
}

function trends(data) {
  const all = strongHues();
  const traces = data.series.map((series, index) => ({
    type: "scatter",
    mode: "lines+markers",
    name: shortened(series.label, 40),
    x: series.points.map((point) => point.at),
    y: series.points.map((point) => Number(point.value)),
    customdata: series.points.map((point) => lines(point.text)),
    hovertemplate: "%{customdata}<br>%{y:.1f} %<extra></extra>",
    line: { shape: "hv", width: 2, color: all[index % all.length], dash: ["solid", "dash", "dot", "dashdot"][index % 4] },
    marker: { size: 9, symbol: index % 8 },
  }));
  const axis = { gridcolor: colour("line"), zeroline: false, fixedrange: true, automargin: true };
  return [
    traces,
    layout({
      margin: { l: 50, r: 20, t: 16, b: 36 },
      legend: { orientation: "h", y: -0.2 },
      xaxis: { ...axis, showgrid: false, type: "date" },
      yaxis: { ...axis, rangemode: "tozero", ticksuffix: " %" },
    }),
  ];
}

const KINDS = { sankey, treemap, trend, coverage, trends };

function draw() {
  for (const place of document.querySelectorAll("[data-chart]")) {
    const data = JSON.parse(document.getElementById(place.dataset.chart).textContent);
    Plotly.react(place, ...KINDS[data.kind](data), OPTIONS);
  }
}

if (window.Plotly) {
  draw();
  dark.addEventListener("change", draw);
}
