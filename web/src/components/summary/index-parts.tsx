// The alignment index with what it is made of: each part's share on strategy, and how much it weighs.
import { count, percent, why } from '../../lib/format'
import type { Row } from '../../lib/types'
import { SmallN } from '../basics'
import { Sparkline } from '../sparkline'
import { Term } from '../term'

const PARTS: [part: string, metric: string, label: string][] = [
	['bookings', 'bookings_share', 'Bookings'],
	['pipeline', 'open_pipeline_share', 'Open pipeline'],
	['time', 'selling_time_share', 'Selling time'],
	['product', 'product_mix', 'Products'],
	['message', 'message_adoption', 'Messages']
]

interface Props {
	row: Row
	/** The index month by month, up to the end of the period. */
	months: Row[]
}

function Months({ months }: Pick<Props, 'months'>) {
	const values = months.map(month => (month.value === null ? null : Number(month.value)))
	if (!values.some(value => value !== null)) return null
	return (
		<span class="index-months">
			<Sparkline values={values} range={[0, 100]} width={132} height={36} label={months.map(month => `${month.period}: ${count(month.value)}`).join(', ')} />
			<span>12 months</span>
		</span>
	)
}

export function IndexParts({ row, months }: Props) {
	return (
		<div class="index">
			<p class="index-value">
				{row.value === null ? <span class="no-value">{why(row.reason) || 'not known'}</span> : <><span class="index-number">{count(row.value)}</span> <span class="index-of">of 100</span></>}
				<SmallN row={row} />
				<Months months={months} />
			</p>
			<ul class="index-parts">
				{PARTS.map(([part, metric, label]) => {
					const found = row.parts?.[part] as { value: number | null; weight: number; n: number } | undefined
					const value = found?.value ?? null
					return (
						<li key={part}>
							<Term metric={metric}>{label}</Term>
							<span class="index-track" aria-hidden="true">{value !== null && <span style={{ width: `${value * 100}%` }} />}</span>
							<span class="index-share">{value === null ? <span class="no-value">not known</span> : percent(value)}</span>
							<span class="index-weight">{found && `weight ${percent(found.weight)}`}</span>
						</li>
					)
				})}
			</ul>
		</div>
	)
}
