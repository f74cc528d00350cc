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

const KINDS = { sankey, treemap, trend };

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
