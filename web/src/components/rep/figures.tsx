// A rep's figures in a row, each beside the whole organisation's where one may see it.
import { count, percent } from '../../lib/format'
import type { Row, Value } from '../../lib/types'
import { SmallN, Status } from '../basics'
import { MetricValue } from '../metric-value'
import { Term } from '../term'

const FIGURES: [metric: string, label: string, text: (value: Value) => string][] = [
	['alignment_index', 'Alignment', value => count(value)],
	['bookings_share', 'Bookings', value => percent(value)],
	['open_pipeline_share', 'Open pipeline', value => percent(value)],
	['selling_time_share', 'Selling time', value => percent(value)],
	['win_rate', 'Win rate', value => percent(value)]
]

export function Figures({ metrics, others }: { metrics: Record<string, Row>; others: Record<string, Row> | undefined }) {
	return (
		<dl class="figures">
			{FIGURES.map(([metric, label, text]) => {
				const row = metrics[metric]
				const other = others?.[metric]
				return (
					<div key={metric} class={row?.low_n ? 'is-low' : undefined}>
						<dt><Term metric={metric}>{label}</Term></dt>
						<dd class="figures-value"><MetricValue row={row} text={text} /></dd>
						<dd class="figures-more">
							{row?.low_n ? <SmallN row={row} /> : <Status status={row?.status} />}
							{other && other.value !== null && <span>all {text(other.value)}</span>}
						</dd>
					</div>
				)
			})}
		</dl>
	)
}
