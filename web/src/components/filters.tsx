// The filters in the head of the page. What is picked is written into the address, nowhere else.
import { useEffect, useState } from 'preact/hooks'
import { useAnswer } from '../lib/answers'
import { DEFAULT_PERIOD, PERIODS, periodName, range } from '../lib/periods'
import { setQuery, useLocation } from '../lib/router'
import type { List } from '../lib/types'

export type FilterName = 'period' | 'compare_to' | 'team'

const CUSTOM = 'custom'

function Period() {
	const current = useLocation().query['period'] || DEFAULT_PERIOD
	const days = range(current)
	const [custom, setCustom] = useState(days !== null)
	useEffect(() => setCustom(days !== null), [current])
	const known = PERIODS.some(([value]) => value === current)
	const pick = (value: string) => (value === CUSTOM ? setCustom(true) : (setCustom(false), setQuery({ period: value })))
	return (
		<>
			<label class="filter">
				<span>Period</span>
				<select value={custom ? CUSTOM : current} onChange={event => pick(event.currentTarget.value)}>
					{PERIODS.map(([value, label]) => <option key={value} value={value}>{label}</option>)}
					{!known && !days && <option value={current}>{periodName(current)}</option>}
					<option value={CUSTOM}>From … to …</option>
				</select>
			</label>
			{custom && <Days days={days} />}
		</>
	)
}

function Days({ days }: { days: [string, string] | null }) {
	const [from, setFrom] = useState(days?.[0] ?? '')
	const [to, setTo] = useState(days?.[1] ?? '')
	const right = from !== '' && to !== '' && from <= to
	return (
		<form class="filter-days" onSubmit={event => { event.preventDefault(); if (right) setQuery({ period: `${from}..${to}` }) }}>
			<label class="filter"><span>First day</span><input type="date" value={from} onInput={event => setFrom(event.currentTarget.value)} /></label>
			<label class="filter"><span>Last day</span><input type="date" value={to} min={from} onInput={event => setTo(event.currentTarget.value)} /></label>
			<button type="submit" class="button" disabled={!right}>Show</button>
		</form>
	)
}

function Compare() {
	const current = useLocation().query['compare_to'] ?? ''
	const known = ['', 'previous', 'last_fy'].includes(current)
	return (
		<label class="filter">
			<span>Compared to</span>
			<select value={current} onChange={event => setQuery({ compare_to: event.currentTarget.value })}>
				<option value="">Nothing</option>
				<option value="previous">The period before</option>
				<option value="last_fy">Last fiscal year</option>
				{!known && <option value={current}>{periodName(current)}</option>}
			</select>
		</label>
	)
}

interface Team {
	id: string
	name: string | null
	parent?: string | null
}

/** Teams below each other, each with how deep it stands. */
function tree(teams: Team[]): [Team, number][] {
	const ids = new Set(teams.map(team => team.id))
	const below = (parent: string | null, depth: number): [Team, number][] => (depth > 8 ? [] : teams
		.filter(team => (team.parent && ids.has(team.parent) ? team.parent : null) === parent)
		.sort((a, b) => (a.name ?? a.id).localeCompare(b.name ?? b.id))
		.flatMap(team => [[team, depth] as [Team, number], ...below(team.id, depth + 1)]))
	return below(null, 0)
}

function TeamFilter() {
	const current = useLocation().query['team'] ?? ''
	const answer = useAnswer<List<Team>>({ path: '/v1/teams', query: { limit: 1000 } })
	const teams = answer.data?.data ?? []
	if (teams.length === 0 && !current) return null
	return (
		<label class="filter">
			<span>Team</span>
			<select value={current} onChange={event => setQuery({ team: event.currentTarget.value })}>
				<option value="">Everybody</option>
				{current && !teams.some(team => team.id === current) && <option value={current}>{current}</option>}
				{tree(teams).map(([team, depth]) => <option key={team.id} value={team.id}>{'\u2003'.repeat(depth)}{team.name ?? team.id}</option>)}
			</select>
		</label>
	)
}

const PARTS = { period: Period, compare_to: Compare, team: TeamFilter }

export function Filters({ names }: { names: readonly FilterName[] }) {
	if (names.length === 0) return null
	return (
		<div class="filters" role="group" aria-label="Filters">
			{names.map(name => {
				const Part = PARTS[name]
				return <Part key={name} />
			})}
		</div>
	)
}
