// Where money comes from, where hours go, where both were meant to go: a segment a line, two bars and two plumb lines.
import { percent, points } from '../lib/format'
import type { MixKey } from '../lib/types'
import { classes } from './basics'
import { SegmentLink } from './links'
import { DataTable } from './table'

export interface Place {
	key: string
	money: MixKey | undefined
	hours: MixKey | undefined
}

/** Segments of either mix, planned ones first, the largest plan first. */
export function places(money: MixKey[], hours: MixKey[]): Place[] {
	const keys = [...new Set([...money, ...hours].map(({ key }) => key))]
	const plan = ({ money: m, hours: h }: Place) => Math.max(m?.target ?? -1, h?.target ?? -1)
	return keys.map(key => ({ key, money: money.find(part => part.key === key), hours: hours.find(part => part.key === key) })).sort((a, b) => plan(b) - plan(a) || a.key.localeCompare(b.key))
}

const gap = ({ money, hours }: Place): number | null => (money?.actual == null || hours?.actual == null ? null : hours.actual - money.actual)

function Track({ part, whole, kind }: { part: MixKey | undefined; whole: number; kind: 'money' | 'hours' }) {
	return (
		<span class={`two-track is-${kind}`}>
			<span class="mix-track" aria-hidden="true">
				<span class={classes('mix-bar', kind === 'hours' && 'is-hours')} style={{ width: `${((part?.actual ?? 0) / whole) * 100}%` }} />
				{part?.target != null && <span class="mix-plumb" style={{ left: `${(part.target / whole) * 100}%` }} />}
			</span>
			<span class="two-figures"><b>{percent(part?.actual ?? null)}</b> {kind === 'money' ? 'of the money' : 'of the hours'}{part?.target != null && <span class="mix-target">, plan {percent(part.target)}</span>}</span>
		</span>
	)
}

export function MoneyAndHours({ rows, label }: { rows: Place[]; label: (key: string) => string }) {
	const whole = Math.max(0.01, ...rows.flatMap(({ money, hours }) => [money?.actual ?? 0, money?.target ?? 0, hours?.actual ?? 0, hours?.target ?? 0])) * 1.04
	return (
		<ul class="mix two">
			{rows.map(row => (
				<li key={row.key} class="two-row">
					<span class="mix-label"><SegmentLink id={row.key}>{label(row.key)}</SegmentLink>{row.money?.unplanned && <span class="mix-unplanned">not in the plan</span>}</span>
					<span class="two-tracks"><Track part={row.money} whole={whole} kind="money" /><Track part={row.hours} whole={whole} kind="hours" /></span>
				</li>
			))}
			<li class="mix-legend" aria-hidden="true"><span class="legend-bar" /> Money won <span class="legend-bar is-hours" /> Selling hours <span class="legend-plumb" /> Plan</li>
		</ul>
	)
}

export function MoneyAndHoursTable({ rows, label }: { rows: Place[]; label: (key: string) => string }) {
	return (
		<DataTable caption="Money and hours by segment" rows={rows} rowKey={row => row.key} columns={[
			{ key: 'key', label: 'Segment', sort: row => label(row.key), cell: row => <SegmentLink id={row.key}>{label(row.key)}</SegmentLink> },
			{ key: 'plan', label: 'Plan', align: 'right', sort: row => row.money?.target ?? null, cell: row => percent(row.money?.target ?? null, 1) },
			{ key: 'money', label: 'Money', align: 'right', sort: row => row.money?.actual ?? null, cell: row => percent(row.money?.actual ?? null, 1) },
			{ key: 'plan_hours', label: 'Plan, hours', align: 'right', sort: row => row.hours?.target ?? null, cell: row => percent(row.hours?.target ?? null, 1) },
			{ key: 'hours', label: 'Hours', align: 'right', sort: row => row.hours?.actual ?? null, cell: row => percent(row.hours?.actual ?? null, 1) },
			{ key: 'gap', label: 'Hours less money, points', align: 'right', sort: gap, cell: row => points(gap(row)) }
		]} />
	)
}
