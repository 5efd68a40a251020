import { formatInterval, formatNumber } from '../evaluation/table.ts';
import {
  type Comparison,
  type DemoResult,
  describeComparison,
  formats,
  type Measure,
  measureHeader,
  measureLabels,
  measures,
  type Table,
  type VariantName,
  variantLabels,
  variantMeanings,
  variantNames,
} from './result.ts';

/** The demo's report: one HTML page without scripts or anything from elsewhere. */
export function reportPage(result: DemoResult): string {
  const { world, indexed, judged, mined, trainingSeeds, noGap } = result;
  const questions = world.heldOutQuestions;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>LRAT demo: a simulated world</title>
<style>${style}</style>
</head>
<body>
<main>
<header>
<p class="kicker">LRAT · demo · seed ${result.seed}</p>
<h1>Learning to retrieve from agent trajectories</h1>
<p class="lead">${markup(lead(result))}</p>
<p class="notice"><strong>A simulation.</strong> ${markup(result.note)} The numbers show that the road works and what
each of its stretches is worth in this world; they say nothing about real agents or real collections.</p>
</header>

<section aria-labelledby="results">
<h2 id="results">Results on held-out questions</h2>
<figure>
${chart(result.table)}
<figcaption>Points are means, bars 95&nbsp;% intervals, from ${questions} questions (bootstrap; each question
counts with its mean over ${trainingSeeds.length} training seeds). The dashed line is BM25.</figcaption>
</figure>
${tableHtml(result.table, `Means and 95 % intervals, ${questions} held-out questions`)}
<dl class="measures">
<dt>recall@10</dt><dd>Of the pages that state the first fact which a question needs, the part among the ten results for
the agent's first query (how the question calls its subject, and the question's word for the relation). The query is the same for all retrievers.</dd>
<dt>success rate</dt><dd>Questions answered correctly by the agent with this retriever behind its search; giving up is wrong.</dd>
<dt>evidence recall</dt><dd>Of the pages that state any fact of the question, the part that was listed to the agent.</dd>
<dt>steps</dt><dd>Searches and browses per question.</dd>
</dl>
<p class="timings">The intervals speak of other questions met by these same seeds. Between the seeds, the success rate has a standard
deviation of ${variantNames.map(name => `${formatNumber(result.seedSpread[name])} (${markup(variantLabels[name])})`).join(', ')} points.</p>
</section>

<section aria-labelledby="differences">
<h2 id="differences">What differs, and what does not</h2>
<p>Differences are paired: the same questions, the same agent noise, and for trained retrievers the same seed.
One that is “not significant” (paired randomisation test, p&nbsp;≥&nbsp;0.05) this run cannot tell from chance.
There is no correction for the number of comparisons.</p>
<ul class="differences">
${result.comparisons.map(comparisonHtml).join('\n')}
</ul>
</section>

<section aria-labelledby="controls">
<h2 id="controls">Controls</h2>
<p><strong>Shuffled positives.</strong> The same pairs with their positives permuted. What they teach is wrong, so training must hurt.</p>
<p><strong>No gap.</strong> In a world where questions and agents speak as the documents do there is little to learn, and every
retriever but the shuffled one should be near the top. (${noGap.documents} pages, ${noGap.questions} held-out questions, one training seed. An interval
without width means that every question gave the same value, not that the value is certain.)</p>
${tableHtml(noGap.table, 'Without a gap: means and 95 % intervals over questions')}
</section>

<section aria-labelledby="done">
<h2 id="done">What was done</h2>
<ol>
<li><strong>World.</strong> ${world.documents} pages about invented people, towns, works, firms and rivers;
${world.trainingQuestions} training and ${questions} held-out multi-hop questions, split by question before anything else. They ask in other
words than the pages use, and paraphrase most aliases. Training and held-out questions are about the same pages.</li>
<li><strong>Logs.</strong> The agent answered the training questions with BM25. Its logs went the way of real ones:
${indexed.trajectories} trajectories, ${indexed.searches} searches and ${indexed.browses} browses were indexed.</li>
<li><strong>Judge.</strong> The rule judge called ${judged.relevant} browses relevant, ${judged.irrelevant} irrelevant, ${judged.unknown} unknown.
Against the known truth it keeps ${formatNumber(judged.keptOfUseful)}&nbsp;% of the useful browses and ${formatNumber(judged.keptOfOthers)}&nbsp;% of the others.</li>
<li><strong>Pairs.</strong> Mode <code>attributed</code>: ${mined.naive} rows if every browse counts, ${mined.judged} after the judge;
half-life ${mined.halfLife === null ? 'unknown' : mined.halfLife} tokens, mean raw weight ${mined.muRaw === null ? 'unknown' : mined.muRaw.toFixed(4)}.</li>
<li><strong>Training.</strong> ${trainingSeeds.length} seeds (${trainingSeeds.join(', ')}) for each of the variants below; fixed settings:
${Object.entries(result.recipe)
  .map(([name, value]) => `${markup(name)} ${markup(String(value))}`)
  .join(', ')}.
World and settings were designed on the worlds of seeds 1 and 101, with their held-out results in view; the worlds of other seeds had no say.</li>
<li><strong>Measuring.</strong> Every retriever on the held-out questions, with the same agent. The world is one: the intervals do not speak of other worlds.</li>
</ol>
<table><caption>The retrievers</caption><tbody>
${variantNames.map(name => `<tr><th scope="row">${markup(variantLabels[name])}</th><td>${markup(variantMeanings[name])}</td></tr>`).join('\n')}
</tbody></table>
</section>

<section aria-labelledby="again">
<h2 id="again">Again</h2>
<p><code>lrat demo --seed ${result.seed}</code> computes the same numbers. The logs are ordinary run files in <code>${markup(result.logs)}</code>:
<code>lrat index</code>, <code>lrat judge</code>, <code>lrat mine</code> and <code>lrat train</code> take them as they take real ones.
All numbers of this page are in <code>result.json</code> beside it.</p>
<p class="timings">${Object.entries(result.timings)
    .map(([stage, seconds]) => `${markup(stage)} ${seconds.toFixed(1)}&nbsp;s`)
    .join(' · ')}</p>
</section>
</main>
</body>
</html>
`;
}

function lead(result: DemoResult): string {
  const { bm25, base, reweight } = result.table;
  const percent = (value: number) => `${formatNumber(value)} %`;
  return (
    `A simulated agent left ${result.indexed.trajectories} logs; a retriever was trained on them. On ${result.world.heldOutQuestions} other questions ` +
    `the agent answers ${percent(reweight.success.mean)} with it, ${percent(base.success.mean)} with the same retriever untrained ` +
    `and ${percent(bm25.success.mean)} with BM25.`
  );
}

function comparisonHtml(comparison: Comparison): string {
  return `<li${comparison.difference.p < 0.05 ? '' : ' class="unsure"'}>${markup(describeComparison(comparison))}</li>`;
}

function tableHtml(table: Table, caption: string): string {
  const cell = (measure: Measure, name: VariantName) => {
    const { mean, low, high } = table[name][measure];
    const shown = (value: number) => formatNumber(value, formats[measure]);
    return `<td><b>${shown(mean)}</b> <span>${shown(low)} – ${shown(high)}</span></td>`;
  };
  return `<div class="scroll"><table class="numbers"><caption>${markup(caption)}</caption>
<thead><tr><th scope="col">retriever</th>${measures.map(measure => `<th scope="col">${measureHeader(measure)}</th>`).join('')}</tr></thead>
<tbody>
${variantNames.map(name => `<tr><th scope="row">${markup(variantLabels[name])}</th>${measures.map(measure => cell(measure, name)).join('')}</tr>`).join('\n')}
</tbody></table></div>`;
}

const panel = { left: 150, width: 330, gap: 40, top: 46, row: 34 };
const charted: readonly Measure[] = ['success', 'recall'];

/** Two panels of points with intervals, one row per retriever, on a scale from 0 to 100 %. */
function chart(table: Table): string {
  const width = panel.left + charted.length * panel.width + (charted.length - 1) * panel.gap + 24;
  const bottom = panel.top + variantNames.length * panel.row;
  const described = charted
    .map(
      measure =>
        `${measureLabels[measure]}: ${variantNames.map(name => `${variantLabels[name]} ${formatInterval(table[name][measure], formats[measure])}`).join('; ')}`,
    )
    .join('. ');
  const labels = variantNames.map(
    (name, i) =>
      `<text x="${panel.left - 14}" y="${panel.top + (i + 0.5) * panel.row}" text-anchor="end" dominant-baseline="central">${markup(variantLabels[name])}</text>`,
  );
  const panels = charted.map((measure, column) => {
    const left = panel.left + column * (panel.width + panel.gap);
    const x = (value: number) => (left + value * panel.width).toFixed(1);
    const grid = [0, 0.25, 0.5, 0.75, 1].map(
      value =>
        `<line class="grid" x1="${x(value)}" x2="${x(value)}" y1="${panel.top}" y2="${bottom}"/><text class="tick" x="${x(value)}" y="${bottom + 18}" text-anchor="middle">${value * 100}</text>`,
    );
    const reference = x(table.bm25[measure].mean);
    const points = variantNames.map((name, i) => {
      const { mean, low, high } = table[name][measure];
      const y = panel.top + (i + 0.5) * panel.row;
      return `<g class="${name === 'shuffled' ? 'control' : 'point'}"><line x1="${x(low)}" x2="${x(high)}" y1="${y}" y2="${y}"/><circle cx="${x(mean)}" cy="${y}" r="5"/></g>`;
    });
    return `<text class="panel" x="${left}" y="22">${measureLabels[measure]}, %</text>
${grid.join('')}
<line class="reference" x1="${reference}" x2="${reference}" y1="${panel.top}" y2="${bottom}"/>
${points.join('\n')}`;
  });
  return `<svg viewBox="0 0 ${width} ${bottom + 28}" role="img" aria-labelledby="chart-title chart-desc">
<title id="chart-title">Success rate and recall@10 of each retriever, with 95 % intervals</title>
<desc id="chart-desc">${markup(described)}. The table below holds the same numbers.</desc>
${labels.join('\n')}
${panels.join('\n')}
</svg>`;
}

function markup(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

const style = `
:root { color-scheme: light dark; --ink: #1d2329; --soft: #5b6670; --line: #d9dee3; --ground: #fcfcfb; --accent: #1f6f8b; --warn: #a8552a; --tint: #f1f4f5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8eb; --soft: #9da8b1; --line: #39424a; --ground: #171b1f; --accent: #6cc0dc; --warn: #e39a6d; --tint: #20262b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.6 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 3.5rem 1.5rem 5rem; }
h1 { font-size: 2.1rem; line-height: 1.2; margin: 0 0 1rem; letter-spacing: -0.015em; }
h2 { font-size: 1.25rem; margin: 3rem 0 0.75rem; }
p, dl, li { max-width: 46rem; }
.kicker { color: var(--soft); font-size: 0.85rem; margin: 0 0 0.5rem; }
.lead { font-size: 1.15rem; }
.notice { border-left: 3px solid var(--warn); background: var(--tint); padding: 0.75rem 1rem; }
figure { margin: 1.5rem 0; }
figcaption, caption { color: var(--soft); font-size: 0.875rem; text-align: left; }
caption { padding-bottom: 0.5rem; }
svg { width: 100%; height: auto; font-size: 14px; fill: var(--ink); }
svg .panel { font-weight: 600; }
svg .tick { fill: var(--soft); font-size: 12px; }
svg .grid { stroke: var(--line); }
svg .reference { stroke: var(--soft); stroke-dasharray: 4 4; }
svg .point line { stroke: var(--accent); stroke-width: 3; stroke-linecap: round; }
svg .point circle { fill: var(--accent); stroke: var(--ground); stroke-width: 1.5; }
svg .control line { stroke: var(--warn); stroke-width: 3; stroke-linecap: round; }
svg .control circle { fill: var(--ground); stroke: var(--warn); stroke-width: 2.5; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 1.5rem 0; font-size: 0.95rem; }
th, td { text-align: left; padding: 0.45rem 0.75rem 0.45rem 0; border-bottom: 1px solid var(--line); vertical-align: baseline; }
thead th { color: var(--soft); font-weight: 500; }
tbody th { font-weight: 600; white-space: nowrap; }
.numbers th:not(:first-child), .numbers td { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.numbers td span { color: var(--soft); font-size: 0.8rem; display: inline-block; min-width: 6.2rem; }
.measures dt { font-weight: 600; }
.measures dd { margin: 0 0 0.5rem; color: var(--soft); }
.differences { padding-left: 1.1rem; font-variant-numeric: tabular-nums; }
.unsure { color: var(--soft); }
li { margin-bottom: 0.4rem; }
code { font: 0.9em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.timings { color: var(--soft); font-size: 0.875rem; }
`;
