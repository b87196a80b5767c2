// A mix against its plan, a line a key: the bar is what happened, the plumb line is what was planned.
import type { MixKey } from '../lib/types'
import { money, NONE, percent, points } from '../lib/format'
import { classes } from './basics'
import { DataTable } from './table'

interface Props {
	keys: MixKey[]
	label: (key: string) => string
	currency?: string | null
	/** What was done: "Sold", "Spent". */
	actual?: string
}

/** The plan's order, the largest first; what the plan does not name comes last. */
export const planOrder = (keys: MixKey[]): MixKey[] =>
	[...keys].sort((a, b) => Number(a.unplanned) - Number(b.unplanned) || (b.target ?? 0) - (a.target ?? 0) || (b.actual ?? 0) - (a.actual ?? 0))

const share = (part: number | null, whole: number) => `${((part ?? 0) / whole) * 100}%`

export function MixRows({ keys, label, currency, actual = 'Sold' }: Props) {
	const whole = Math.max(0.01, ...keys.map(key => Math.max(key.target ?? 0, key.actual ?? 0))) * 1.04
	return (
		<ul class="mix">
			{planOrder(keys).map(key => (
				<li key={key.key} class="mix-row">
					<span class="mix-label">{label(key.key)}{key.unplanned && <span class="mix-unplanned">not in the plan</span>}</span>
					<span class="mix-track" aria-hidden="true">
						<span class={classes('mix-bar', key.unplanned && 'is-unplanned')} style={{ width: share(key.actual, whole) }} />
						{key.target !== null && <span class="mix-plumb" style={{ left: share(key.target, whole) }} />}
					</span>
					<span class="mix-figures">
						<span class="mix-actual" title={currency ? money(key.amount, currency) : undefined}>{percent(key.actual)}</span>
						<span class="mix-target">plan {key.target === null ? NONE : percent(key.target)}</span>
						<span class={classes('mix-gap', Math.round((key.gap ?? 0) * 100) > 0 ? 'is-over' : 'is-under')}>{points(key.gap, 0)}</span>
					</span>
				</li>
			))}
			<li class="mix-legend" aria-hidden="true"><span class="legend-bar" /> {actual} <span class="legend-plumb" /> Plan <span class="legend-gap">Gap in points</span></li>
		</ul>
	)
}

export function MixTable({ keys, label, currency, actual = 'Sold' }: Props) {
	return (
		<DataTable caption={`${actual} against the plan`} rows={planOrder(keys)} rowKey={row => row.key} columns={[
			{ key: 'key', label: 'Part', sort: row => label(row.key), cell: row => <>{label(row.key)}{row.unplanned && <span class="mix-unplanned">not in the plan</span>}</> },
			{ key: 'target', label: 'Plan', align: 'right', sort: row => row.target, cell: row => percent(row.target, 1) },
			{ key: 'actual', label: actual, align: 'right', sort: row => row.actual, cell: row => percent(row.actual, 1) },
			{ key: 'gap', label: 'Gap, points', align: 'right', sort: row => row.gap, cell: row => points(row.gap) },
			{ key: 'amount', label: 'Money', align: 'right', sort: row => (row.amount === null ? null : Number(row.amount)), cell: row => money(row.amount, currency) }
		]} />
	)
}
