// Who sets the strategy: each one's part of the gap between plan and field, left and right of the plumb line. All parts add up to the gap.
import type { ComponentChildren } from 'preact'
import { count, money, percent, points } from '../../lib/format'
import type { Row } from '../../lib/types'
import { classes, PageLink } from '../basics'
import { DataTable } from '../table'

export interface SettersAnswer {
	away: Row[]
	back: Row[]
}

interface Props {
	setters: SettersAnswer
	by: 'rep' | 'team'
	label: (key: string) => string
}

const who = (row: Row, by: 'rep' | 'team'): ComponentChildren =>
	by === 'rep' && row.key !== '__none__' ? <PageLink to={`/reps/${encodeURIComponent(row.key)}`}>{row.label ?? row.key}</PageLink> : (row.label ?? row.key)

/** The keys in which somebody moves the mix most, in the direction that counts. */
function where(row: Row, label: (key: string) => string): string {
	const sign = Math.sign(Number(row.value))
	const keys = (row.parts?.keys ?? []) as { key: string; contribution: number }[]
	return keys.filter(key => key.contribution * sign >= 0.0005).sort((a, b) => sign * (b.contribution - a.contribution)).slice(0, 2).map(key => label(key.key)).join(', ')
}

const everyone = ({ away, back }: SettersAnswer): Row[] => [...away, ...[...back].reverse()]

export function Setters({ setters, by, label }: Props) {
	const rows = everyone(setters)
	const most = Math.max(...rows.map(row => Math.abs(Number(row.value))), 0.0001)
	return (
		<ul class="setters">
			<li class="setters-head" aria-hidden="true"><span>pulls back to the plan</span><span>pulls away from it</span></li>
			{rows.map(row => {
				const value = Number(row.value)
				return (
					<li key={row.key}>
						<span class="setters-who">{who(row, by)}</span>
						<span class="setters-track" aria-hidden="true">
							<span class={classes('setters-bar', value > 0 ? 'is-away' : 'is-back')} style={{ width: `${(Math.abs(value) / most) * 50}%` }} />
						</span>
						<span class="setters-value">{points(value)}</span>
						<span class="setters-where">{where(row, label)}</span>
					</li>
				)
			})}
		</ul>
	)
}

export function SettersTable({ setters, by, label, currency }: Props & { currency: string | null }) {
	return (
		<DataTable caption="Parts of the gap" rows={everyone(setters)} rowKey={row => row.key} muted={row => row.low_n} columns={[
			{ key: 'who', label: by === 'rep' ? 'Rep' : 'Team', sort: row => row.label ?? row.key, cell: row => who(row, by) },
			{ key: 'value', label: 'Points of the gap', term: 'strategy_setters', align: 'right', sort: row => Number(row.value), cell: row => points(row.value) },
			{ key: 'weight', label: 'Share of money', align: 'right', sort: row => row.parts?.weight ?? null, cell: row => percent(row.parts?.weight) },
			{ key: 'won', label: 'Won', align: 'right', sort: row => Number(row.numerator), cell: row => money(row.numerator, currency) },
			{ key: 'n', label: 'Deals', align: 'right', sort: row => row.n, cell: row => count(row.n) },
			{ key: 'where', label: 'Mostly in', cell: row => where(row, label) }
		]} />
	)
}
