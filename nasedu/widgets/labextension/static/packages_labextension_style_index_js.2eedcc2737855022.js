"use strict";(self.rspackChunknasedu_widgets=self.rspackChunknasedu_widgets||[]).push([["packages_labextension_style_index_js"],{"./node_modules/css-loader/dist/cjs.js!./packages/labextension/lib/nasedu.css"(e,a,n){var t=n("./node_modules/css-loader/dist/runtime/noSourceMaps.js"),r=n.n(t),o=n("./node_modules/css-loader/dist/runtime/api.js"),s=(n.n(o))()(r());s.push([e.id,`/* packages/core/style/nasedu.css */
.nasedu {
  --n-fg: var(--jp-ui-font-color1, var(--vscode-editor-foreground, light-dark(#1a1a1a, #e8e8e8)));
  --n-bg: var(--jp-layout-color0, var(--vscode-editor-background, light-dark(#fff, #111)));
  --n-muted: var(--jp-ui-font-color2, light-dark(#555, #b5b5b5));
  --n-border: var(--jp-border-color1, light-dark(#bbb, #555));
  --n-raised: var(--jp-layout-color2, light-dark(#eee, #333));
  --n-accent: light-dark(#005a92, #7cc8f5);
  --n-trial: light-dark(#5b6b7a, #9fb0c0);
  --n-incumbent: light-dark(#c84c00, #ff8a47);
  --n-mark: light-dark(#c0005f, #ff7ab8);
  container: nasedu / inline-size;
  box-sizing: border-box;
  margin: 0;
  padding: 8px;
  color: var(--n-fg);
  background: var(--n-bg);
  font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif);
}
[data-jp-theme-light=true] .nasedu {
  color-scheme: light;
}
[data-jp-theme-light=false] .nasedu {
  color-scheme: dark;
}
.nasedu *,
.nasedu *::before {
  box-sizing: border-box;
}
.nasedu [hidden] {
  display: none !important;
}
.nasedu :focus-visible {
  outline: 2px solid var(--n-accent);
  outline-offset: 1px;
}
.nasedu figure {
  margin: 0;
}
.nasedu h3,
.nasedu h4,
.nasedu h5 {
  margin: 0 0 4px;
  color: var(--n-fg);
  font-weight: 600;
  line-height: 1.3;
}
.nasedu h3 {
  font-size: 15px;
}
.nasedu h4 {
  font-size: 13px;
}
.nasedu h5 {
  font-size: 13px;
  font-weight: 500;
  color: var(--n-muted);
}
.nasedu-document {
  overflow: auto;
  background: var(--jp-layout-color0);
}
.nasedu-error {
  margin: 6px 0;
  padding: 6px 10px;
  border-left: 4px solid var(--n-mark);
  white-space: pre-wrap;
  overflow-wrap: anywhere;
}
.nasedu-source {
  max-height: 20em;
  overflow: auto;
  font-size: 12px;
  white-space: pre-wrap;
  overflow-wrap: anywhere;
}
.nasedu-note,
.nasedu-name {
  color: var(--n-muted);
}
.nasedu-name {
  font-size: 12px;
  overflow-wrap: anywhere;
  width: 0;
  min-width: 100%;
}
.nasedu-child .nasedu-name {
  min-height: 2.8em;
  display: -webkit-box;
  -webkit-box-orient: vertical;
  -webkit-line-clamp: 2;
  overflow: hidden;
}
.nasedu-string {
  width: 0;
  min-width: 100%;
  max-height: 12em;
  margin: 6px 0 2px;
  overflow: auto;
  font: 12px/1.7 var(--jp-code-font-family, ui-monospace, monospace);
  text-align: left;
  white-space: pre-wrap;
  overflow-wrap: anywhere;
  color: var(--n-muted);
}
.nasedu-piece {
  display: inline-block;
  max-width: 100%;
  padding: 0 1px;
  line-height: 1.4;
  color: var(--n-fg);
  border-bottom: 2px solid light-dark(var(--n-op, #777), var(--n-op-dark, #999));
  border-radius: 2px;
  cursor: pointer;
}
.nasedu-piece.nasedu-lit {
  background: color-mix(in srgb, var(--n-accent) 18%, transparent);
}
.nasedu-piece.nasedu-selected {
  background: color-mix(in srgb, var(--n-accent) 32%, transparent);
  outline: 1.5px solid var(--n-accent);
}
.nasedu-stale .nasedu-picture,
.nasedu-side.nasedu-stale {
  opacity: 0.45;
}
.nasedu-scroller {
  overflow-x: auto;
  overflow-y: hidden;
}
.nasedu-picture {
  display: block;
  width: 100%;
  min-width: calc(0.92 * var(--n-natural));
  max-width: calc(var(--n-grow, 1) * var(--n-natural));
  height: auto;
}
.jp-MimeDocument .nasedu {
  --n-grow: 1.4;
  padding: 16px 24px;
}
.nasedu .nasedu-parent .nasedu-picture {
  --n-grow: 1;
}
.jp-MimeDocument .nasedu-architecture {
  --n-grow: 1.6;
  padding-top: 32px;
  text-align: center;
}
.jp-MimeDocument .nasedu-architecture .nasedu-picture {
  margin: 0 auto 12px;
}
.nasedu-picture tspan {
  dominant-baseline: central;
}
.nasedu-line {
  fill: none;
  stroke: light-dark(var(--n-op, #777), var(--n-op-dark, #999));
  stroke-width: var(--n-width, 1.6px);
  stroke-dasharray: var(--n-dash, none);
}
.nasedu-arrow {
  fill: light-dark(var(--n-op, #777), var(--n-op-dark, #999));
}
.nasedu-halo {
  fill: none;
  stroke: transparent;
  stroke-width: 12px;
}
.nasedu-wire .nasedu-line {
  stroke-width: 1.4px;
}
.nasedu-changed .nasedu-halo {
  stroke: color-mix(in srgb, var(--n-mark) 35%, transparent);
}
.nasedu-selected .nasedu-halo {
  stroke: color-mix(in srgb, var(--n-accent) 40%, transparent);
}
.nasedu-edge[tabindex],
.nasedu-node[tabindex] {
  cursor: pointer;
  outline: none;
}
.nasedu-architecture .nasedu-edge[data-decision],
.nasedu-architecture .nasedu-node[data-decision],
.nasedu-architecture .nasedu-label[data-decision] {
  cursor: pointer;
}
.nasedu-edge.nasedu-lit:not(.nasedu-selected) .nasedu-halo,
.nasedu-edge[tabindex]:hover .nasedu-halo {
  stroke: color-mix(in srgb, var(--n-accent) 24%, transparent);
}
.nasedu-label.nasedu-lit rect,
.nasedu-label.nasedu-selected rect {
  stroke: var(--n-accent);
  stroke-width: 1.5px;
}
.nasedu-node.nasedu-lit .nasedu-box,
.nasedu-node[tabindex]:hover .nasedu-box {
  stroke-width: 3px;
}
.nasedu-node.nasedu-selected .nasedu-box,
.nasedu-node:focus-visible .nasedu-box {
  stroke: var(--n-accent);
  stroke-width: 4px;
}
.nasedu-node:focus-visible .nasedu-box {
  stroke-dasharray: 5 3;
}
.nasedu-edge:focus-visible .nasedu-halo {
  stroke: var(--n-accent);
  stroke-width: 9px;
  opacity: 0.6;
}
.nasedu-picture text {
  fill: var(--n-fg);
  text-anchor: middle;
  dominant-baseline: central;
  pointer-events: none;
  font-family: inherit;
}
.nasedu-label rect {
  fill: var(--n-bg);
}
.nasedu-label.nasedu-changed text {
  fill: var(--n-mark);
  font-weight: 700;
}
.nasedu-faded {
  opacity: 0.25;
}
.nasedu-picture .nasedu-title {
  text-anchor: start;
  font-size: 14px;
  font-weight: 600;
  fill: var(--n-muted);
}
.nasedu-box {
  fill: light-dark(#fff, #1c1c1c);
  stroke: light-dark(#4d4d4d, #c9c9c9);
  stroke-width: 1.4px;
}
.nasedu-input .nasedu-box {
  fill: light-dark(#e3eef7, #17344a);
  stroke: light-dark(#2f6f9f, #7cc8f5);
}
.nasedu-output .nasedu-box {
  fill: light-dark(#fdebd8, #4a2e12);
  stroke: light-dark(#a35a12, #f5b06b);
}
.nasedu-operation .nasedu-box {
  stroke: light-dark(var(--n-op), var(--n-op-dark));
  fill: color-mix(in srgb, light-dark(var(--n-op), var(--n-op-dark)) 13%, var(--n-bg));
  stroke-width: 2px;
}
.nasedu-node.nasedu-changed .nasedu-box {
  stroke: var(--n-mark);
  stroke-width: 3.5px;
}
.nasedu-transport {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: 4px 6px;
}
.nasedu-button {
  display: inline-flex;
  align-items: center;
  justify-content: center;
  width: 34px;
  height: 30px;
  padding: 0;
  color: var(--n-fg);
  background: var(--n-raised);
  border: 1px solid var(--n-border);
  border-radius: 4px;
  cursor: pointer;
}
.nasedu-button:hover {
  border-color: var(--n-fg);
}
.nasedu-play {
  width: 44px;
  color: light-dark(#fff, #111);
  background: var(--n-accent);
  border-color: var(--n-accent);
}
.nasedu-button[aria-disabled=true] {
  opacity: 0.4;
  cursor: default;
}
.nasedu-range {
  flex: 1 1 160px;
  min-width: 120px;
  margin: 0 4px;
  accent-color: var(--n-accent);
}
.nasedu-count {
  min-width: 10ch;
  text-align: right;
  font-variant-numeric: tabular-nums;
}
.nasedu-speed {
  height: 30px;
  color: var(--n-fg);
  background: var(--n-raised);
  border: 1px solid var(--n-border);
  border-radius: 4px;
  font: inherit;
}
.nasedu .nasedu-sentence {
  min-height: 2.8em;
  margin: 8px 0 4px;
  font-size: 14px;
  overflow-wrap: anywhere;
}
.nasedu-body {
  display: grid;
  gap: 16px;
  grid-template-columns: minmax(0, 1fr);
  margin-top: 10px;
}
@container nasedu (min-width: 1000px) {
  .nasedu-body {
    grid-template-columns: minmax(0, 1.15fr) minmax(0, 1fr);
    gap: 16px 28px;
    align-items: start;
  }
  .nasedu-body:has(> [data-panel=supernet]) {
    grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
  }
  .nasedu-picture {
    --n-grow: 1.4;
  }
}
.nasedu-side[data-panel=supernet] {
  order: -1;
}
.nasedu-stage {
  display: flex;
  flex-wrap: wrap;
  gap: 8px 12px;
  align-items: center;
  min-width: 0;
}
.nasedu-stage h4 {
  flex: 1 0 100%;
}
.nasedu-parents {
  display: flex;
  flex-wrap: wrap;
  gap: 8px;
  max-width: 100%;
}
.nasedu-parents:empty {
  display: none;
}
.nasedu-child,
.nasedu-parent {
  max-width: 100%;
}
.nasedu-child {
  flex: 1 1 auto;
  display: flex;
  flex-direction: column;
  justify-content: center;
}
.nasedu-parents:not(:empty)::after {
  content: "\\2192";
  align-self: center;
  font-size: 22px;
  color: var(--n-muted);
}
.nasedu-panel {
  min-width: 0;
}
.nasedu-legend {
  display: flex;
  flex-wrap: wrap;
  gap: 2px 16px;
  margin: 6px 0 0;
  padding: 0;
  list-style: none;
  font-size: 12px;
}
.nasedu-legend li {
  display: flex;
  align-items: center;
  gap: 6px;
  margin: 0;
}
.nasedu-chart-head {
  display: flex;
  flex-wrap: wrap;
  gap: 2px 14px;
  align-items: baseline;
  font-size: 12px;
}
.nasedu-chart-title {
  font-weight: 600;
}
.nasedu-key {
  color: var(--n-muted);
}
.nasedu-key::before {
  content: "";
  display: inline-block;
  width: 18px;
  height: 0;
  margin-right: 5px;
  vertical-align: 3px;
  border-top: 2.5px solid var(--n-trial);
}
.nasedu-key-dots::before {
  width: 7px;
  height: 7px;
  border: 0;
  border-radius: 50%;
  vertical-align: 0;
  background: var(--n-trial);
}
.nasedu-key-stairs::before {
  border-color: var(--n-incumbent);
}
.nasedu-key-failed::before {
  width: 8px;
  height: 8px;
  border: 0;
  vertical-align: 0;
  background: var(--n-mark);
}
.nasedu-key-line0::before {
  border-color: var(--n-accent);
}
.nasedu-key-line1::before {
  border-color: var(--n-incumbent);
  border-top-style: dashed;
}
.nasedu-chart {
  display: grid;
  grid-template: var(--n-height, 110px) auto / auto auto minmax(0, 1fr);
  column-gap: 6px;
  margin-top: 3px;
  font-size: 11px;
  color: var(--n-muted);
  font-variant-numeric: tabular-nums;
}
.nasedu-up-name {
  writing-mode: vertical-rl;
  transform: rotate(180deg);
  align-self: center;
  white-space: nowrap;
}
.nasedu-up-name:empty {
  display: none;
}
.nasedu-axis {
  grid-column: 2;
  position: relative;
}
.nasedu-axis span {
  position: absolute;
  right: 0;
  transform: translateY(-50%);
  line-height: 1;
}
.nasedu-plot {
  grid-column: 3;
  position: relative;
  min-width: 0;
  border: 1px solid var(--n-border);
}
.nasedu-area {
  position: absolute;
  inset: 0 9px;
}
.nasedu-area svg {
  position: absolute;
  inset: 0;
  width: 100%;
  height: 100%;
  overflow: visible;
}
.nasedu-grid span {
  position: absolute;
  left: 0;
  right: 0;
  border-top: 1px solid color-mix(in srgb, var(--n-border) 40%, transparent);
}
.nasedu-across-name {
  grid-area: 2 / 2;
  min-height: 1.5em;
  text-align: right;
}
.nasedu-across {
  grid-area: 2 / 3;
  position: relative;
  margin: 0 10px;
}
.nasedu-across > span {
  position: absolute;
  transform: translateX(-50%);
}
.nasedu-plot path {
  fill: none;
  vector-effect: non-scaling-stroke;
  stroke-linecap: round;
  stroke-linejoin: round;
}
.nasedu-chart-dots {
  stroke: var(--n-trial);
  stroke-width: var(--n-dot, 7px);
}
.nasedu-chart-failed {
  stroke: var(--n-mark);
  stroke-width: calc(var(--n-dot, 7px) + 1px);
  stroke-linecap: square !important;
}
.nasedu-chart-stairs {
  stroke: var(--n-incumbent);
  stroke-width: 2px;
}
.nasedu-chart-line0 {
  stroke: var(--n-accent);
  stroke-width: 1.8px;
}
.nasedu-chart-line1 {
  stroke: var(--n-incumbent);
  stroke-width: 1.8px;
  stroke-dasharray: 6 4;
}
.nasedu-cursor {
  position: absolute;
  top: 0;
  bottom: 0;
  width: 0;
  border-left: 1.5px solid var(--n-fg);
  pointer-events: none;
}
.nasedu-now {
  position: absolute;
  width: 13px;
  height: 13px;
  transform: translate(-50%, -50%);
  border: 2px solid var(--n-bg);
  border-radius: 50%;
  background: var(--n-mark);
}
.nasedu-now-failed {
  border-radius: 0;
}
.nasedu-scores .nasedu-chart {
  --n-height: 132px;
}
.nasedu-charts {
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(190px, 1fr));
  gap: 10px 18px;
  margin-top: 4px;
}
.nasedu-charts .nasedu-chart {
  --n-height: 84px;
}
.nasedu-population .nasedu-chart {
  --n-height: 180px;
}
.nasedu-ages {
  display: flex;
  justify-content: space-between;
}
.nasedu-link {
  fill: none;
  stroke: var(--n-mark);
  stroke-width: 2px;
  vector-effect: non-scaling-stroke;
}
.nasedu-dots {
  position: absolute;
  inset: 0;
}
.nasedu-dot {
  display: inline-block;
  width: 10px;
  height: 10px;
  border: 2px solid var(--n-trial);
  border-radius: 50%;
  background: var(--n-trial);
}
.nasedu-dots .nasedu-dot {
  position: absolute;
  transform: translate(-50%, -50%);
}
.nasedu-dot.nasedu-role-drawn {
  background: var(--n-bg);
  border-color: var(--n-accent);
  border-width: 3px;
  width: 13px;
  height: 13px;
}
.nasedu-dot.nasedu-role-parent {
  background: var(--n-accent);
  border-color: var(--n-accent);
  width: 15px;
  height: 15px;
  border-radius: 2px;
}
.nasedu-dot.nasedu-role-child {
  background: var(--n-mark);
  border-color: var(--n-mark);
  width: 14px;
  height: 14px;
  z-index: 1;
}
.nasedu-dot.nasedu-role-child.nasedu-unknown {
  background: var(--n-bg);
  border-style: dashed;
}
.nasedu-dot.nasedu-unknown:not(.nasedu-role-child) {
  background: var(--n-mark);
  border-color: var(--n-mark);
  border-radius: 0;
}
.nasedu-dot.nasedu-leaves {
  display: inline-flex;
  align-items: center;
  justify-content: center;
}
.nasedu-dot.nasedu-leaves:not(.nasedu-role-parent, .nasedu-role-drawn) {
  background: transparent;
  border-color: transparent;
}
.nasedu-dot.nasedu-leaves::before {
  content: "\\d7";
  flex: none;
  font-size: 22px;
  line-height: 10px;
  color: var(--n-fg);
}
.nasedu-dot.nasedu-leaves.nasedu-role-parent::before {
  color: var(--n-bg);
  font-size: 20px;
}
.nasedu-number {
  position: absolute;
  left: 50%;
  top: calc(100% + 4px);
  transform: translateX(-50%);
  padding: 0 2px;
  font-size: 11px;
  line-height: 1.3;
  color: var(--n-fg);
  background: color-mix(in srgb, var(--n-bg) 75%, transparent);
}
.nasedu-number.nasedu-after {
  left: 130%;
  top: 50%;
  transform: translateY(-50%);
}
.nasedu-number.nasedu-before {
  left: auto;
  right: 130%;
  top: 50%;
  transform: translateY(-50%);
}
.nasedu .nasedu-columns {
  display: flex;
  gap: 10px;
  width: max-content;
  margin: 0;
  padding: 2px 0 8px;
  list-style: none;
}
.nasedu .nasedu-columns.nasedu-few {
  flex-wrap: wrap;
  width: auto;
}
.nasedu-column {
  flex: none;
  width: max-content;
  min-width: 6em;
  max-width: 15em;
  margin: 0;
}
.nasedu-column-title {
  display: block;
  margin-bottom: 3px;
  font-size: 12px;
  font-weight: 600;
  overflow-wrap: anywhere;
}
.nasedu-inactive {
  color: var(--n-muted);
}
.nasedu-bar {
  position: relative;
  display: flex;
  justify-content: space-between;
  gap: 4px;
  margin-bottom: 2px;
  padding: 1px 4px;
  border: 1px solid var(--n-border);
  font-size: 12px;
  gap: 8px;
}
.nasedu-fill {
  position: absolute;
  inset: 0 auto 0 0;
  background: light-dark(var(--n-op), var(--n-op-dark));
  opacity: 0.32;
}
.nasedu-bar-label {
  position: relative;
  overflow-wrap: anywhere;
}
.nasedu-value {
  position: relative;
  font-variant-numeric: tabular-nums;
}
.nasedu-chosen {
  outline: 2px solid var(--n-fg);
  outline-offset: -1px;
  font-weight: 700;
}
.nasedu-heatmaps {
  display: flex;
  flex-wrap: wrap;
  gap: 10px 24px;
  margin-top: 10px;
}
.nasedu-heatmaps > *,
.nasedu-graphs > * {
  min-width: 0;
  max-width: 100%;
}
.nasedu-graphs {
  display: grid;
  grid-template-columns: minmax(0, 1fr);
  gap: 10px;
  margin-top: 10px;
}
.nasedu .nasedu-heatmap {
  border-collapse: collapse;
  margin: 0;
  border: 0;
  font-size: 11px;
  color: var(--n-fg);
  background: none;
  table-layout: auto;
}
.nasedu .nasedu-heatmap tr {
  background: none;
}
.nasedu .nasedu-heatmap th,
.nasedu .nasedu-heatmap td {
  padding: 1px 3px;
  min-width: 31px;
  text-align: center;
  border: 0;
  font-weight: 400;
  max-width: none;
}
.nasedu .nasedu-heatmap tbody th {
  text-align: right;
  white-space: nowrap;
}
.nasedu .nasedu-heatmap thead th {
  height: 104px;
  vertical-align: bottom;
}
.nasedu-heatmap thead th span {
  writing-mode: vertical-rl;
  transform: rotate(180deg);
  white-space: nowrap;
}
.nasedu .nasedu-heatmap tbody td {
  font-variant-numeric: tabular-nums;
  border: 1px solid var(--n-bg);
  background: color-mix(in srgb, light-dark(var(--n-op), var(--n-op-dark)) var(--n-weight, 0%), var(--n-bg));
}
.nasedu .nasedu-heatmap td.nasedu-strongest {
  outline: 2px solid var(--n-fg);
  outline-offset: -2px;
  font-weight: 700;
}
.nasedu .nasedu-table {
  border-collapse: collapse;
  margin: 6px 0;
  border: 0;
  font-size: 12px;
  color: var(--n-fg);
  background: none;
}
.nasedu .nasedu-table tr {
  background: none;
}
.nasedu .nasedu-table th,
.nasedu .nasedu-table td {
  padding: 1px 12px 1px 0;
  text-align: left;
  vertical-align: top;
  border: 0;
  max-width: none;
  overflow-wrap: anywhere;
}
.nasedu .nasedu-table th {
  font-weight: 400;
  color: var(--n-muted);
  white-space: nowrap;
}
.nasedu .nasedu-table td {
  font-variant-numeric: tabular-nums;
}
.nasedu .nasedu-inline tbody {
  display: flex;
  flex-wrap: wrap;
  gap: 0 18px;
}
.nasedu .nasedu-inline tr {
  display: flex;
}
@media (prefers-reduced-motion: no-preference) {
  .nasedu-player[data-playing=false] .nasedu-fill {
    transition: width 0.12s;
  }
}
@media (forced-colors: active) {
  .nasedu-picture,
  .nasedu-dot,
  .nasedu-now,
  .nasedu-play,
  .nasedu-fill,
  .nasedu-key,
  .nasedu-heatmap td,
  .nasedu-plot path {
    forced-color-adjust: none;
  }
  .nasedu {
    --n-fg: CanvasText;
    --n-bg: Canvas;
    --n-muted: CanvasText;
    --n-border: CanvasText;
    --n-accent: Highlight;
  }
  .nasedu-piece.nasedu-lit,
  .nasedu-piece.nasedu-selected {
    outline: 2px solid Highlight;
  }
  .nasedu-box {
    fill: Canvas !important;
    stroke: CanvasText !important;
  }
}
@media print {
  .nasedu {
    color-scheme: light !important;
    --n-fg: #000;
    --n-bg: #fff;
    --n-muted: #444;
    --n-border: #999;
    break-inside: avoid;
  }
  .nasedu-transport {
    display: none !important;
  }
  .nasedu-scroller {
    overflow: visible;
  }
}
`,""]),n.d(a,{},{A:s})},"./node_modules/css-loader/dist/runtime/api.js"(e){e.exports=function(e){var a=[];return a.toString=function(){return this.map(function(a){var n="",t=void 0!==a[5];return a[4]&&(n+="@supports (".concat(a[4],") {")),a[2]&&(n+="@media ".concat(a[2]," {")),t&&(n+="@layer".concat(a[5].length>0?" ".concat(a[5]):""," {")),n+=e(a),t&&(n+="}"),a[2]&&(n+="}"),a[4]&&(n+="}"),n}).join("")},a.i=function(e,n,t,r,o){"string"==typeof e&&(e=[[null,e,void 0]]);var s={};if(t)for(var d=0;d<this.length;d++){var i=this[d][0];null!=i&&(s[i]=!0)}for(var l=0;l<e.length;l++){var u=[].concat(e[l]);t&&s[u[0]]||(void 0!==o&&(void 0===u[5]||(u[1]="@layer".concat(u[5].length>0?" ".concat(u[5]):""," {").concat(u[1],"}")),u[5]=o),n&&(u[2]&&(u[1]="@media ".concat(u[2]," {").concat(u[1],"}")),u[2]=n),r&&(u[4]?(u[1]="@supports (".concat(u[4],") {").concat(u[1],"}"),u[4]=r):u[4]="".concat(r)),a.push(u))}},a}},"./node_modules/css-loader/dist/runtime/noSourceMaps.js"(e){e.exports=function(e){return e[1]}},"./node_modules/style-loader/dist/runtime/injectStylesIntoStyleTag.js"(e){var a=[];function n(e){for(var n=-1,t=0;t<a.length;t++)if(a[t].identifier===e){n=t;break}return n}function t(e,t){for(var r={},o=[],s=0;s<e.length;s++){var d=e[s],i=t.base?d[0]+t.base:d[0],l=r[i]||0,u="".concat(i," ").concat(l);r[i]=l+1;var p=n(u),c={css:d[1],media:d[2],sourceMap:d[3],supports:d[4],layer:d[5]};if(-1!==p)a[p].references++,a[p].updater(c);else{var h=function(e,a){var n=a.domAPI(a);return n.update(e),function(a){a?(a.css!==e.css||a.media!==e.media||a.sourceMap!==e.sourceMap||a.supports!==e.supports||a.layer!==e.layer)&&n.update(e=a):n.remove()}}(c,t);t.byIndex=s,a.splice(s,0,{identifier:u,updater:h,references:1})}o.push(u)}return o}e.exports=function(e,r){var o=t(e=e||[],r=r||{});return function(e){e=e||[];for(var s=0;s<o.length;s++){var d=n(o[s]);a[d].references--}for(var i=t(e,r),l=0;l<o.length;l++){var u=n(o[l]);0===a[u].references&&(a[u].updater(),a.splice(u,1))}o=i}}},"./node_modules/style-loader/dist/runtime/insertBySelector.js"(e){var a={};e.exports=function(e,n){var t=function(e){if(void 0===a[e]){var n=document.querySelector(e);if(window.HTMLIFrameElement&&n instanceof window.HTMLIFrameElement)try{n=n.contentDocument.head}catch(e){n=null}a[e]=n}return a[e]}(e);if(!t)throw Error("Couldn't find a style target. This probably means that the value for the 'insert' parameter is invalid.");t.appendChild(n)}},"./node_modules/style-loader/dist/runtime/insertStyleElement.js"(e){e.exports=function(e){var a=document.createElement("style");return e.setAttributes(a,e.attributes),e.insert(a,e.options),a}},"./node_modules/style-loader/dist/runtime/setAttributesWithoutAttributes.js"(e,a,n){e.exports=function(e){var a=n.nc;a&&e.setAttribute("nonce",a)}},"./node_modules/style-loader/dist/runtime/styleDomAPI.js"(e){e.exports=function(e){if("u"<typeof document)return{update:function(){},remove:function(){}};var a=e.insertStyleElement(e);return{update:function(n){var t,r,o;t="",n.supports&&(t+="@supports (".concat(n.supports,") {")),n.media&&(t+="@media ".concat(n.media," {")),(r=void 0!==n.layer)&&(t+="@layer".concat(n.layer.length>0?" ".concat(n.layer):""," {")),t+=n.css,r&&(t+="}"),n.media&&(t+="}"),n.supports&&(t+="}"),(o=n.sourceMap)&&"u">typeof btoa&&(t+="\n/*# sourceMappingURL=data:application/json;base64,".concat(btoa(unescape(encodeURIComponent(JSON.stringify(o))))," */")),e.styleTagTransform(t,a,e.options)},remove:function(){var e;null===(e=a).parentNode||e.parentNode.removeChild(e)}}}},"./node_modules/style-loader/dist/runtime/styleTagTransform.js"(e){e.exports=function(e,a){if(a.styleSheet)a.styleSheet.cssText=e;else{for(;a.firstChild;)a.removeChild(a.firstChild);a.appendChild(document.createTextNode(e))}}},"./packages/labextension/style/index.js"(e,a,n){var t=n("./node_modules/style-loader/dist/runtime/injectStylesIntoStyleTag.js"),r=n.n(t),o=n("./node_modules/style-loader/dist/runtime/styleDomAPI.js"),s=n.n(o),d=n("./node_modules/style-loader/dist/runtime/insertBySelector.js"),i=n.n(d),l=n("./node_modules/style-loader/dist/runtime/setAttributesWithoutAttributes.js"),u=n.n(l),p=n("./node_modules/style-loader/dist/runtime/insertStyleElement.js"),c=n.n(p),h=n("./node_modules/style-loader/dist/runtime/styleTagTransform.js"),m=n.n(h),g=n("./node_modules/css-loader/dist/cjs.js!./packages/labextension/lib/nasedu.css"),f={};f.styleTagTransform=m(),f.setAttributes=u(),f.insert=i().bind(null,"head"),f.domAPI=s(),f.insertStyleElement=c(),r()(g.A,f),g.A&&g.A.locals&&g.A.locals}}]);