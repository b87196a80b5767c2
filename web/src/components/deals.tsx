// Deals as rows: those behind a number, each with its verdict and a way to why.
import { date, exact, money } from '../lib/format'
import { useLabels } from '../lib/labels'
import { useNames } from '../lib/names'
import type { Paged } from '../lib/paging'
import type { Value } from '../lib/types'
import { ProblemNote } from './basics'
import { DealLink, RepLink } from './links'
import { DataTable, type Column } from './table'
import { ClassMark } from './verdict'

export interface DealRow {
	id: string
	name: string | null
	outcome: string
	at: string
	rep: string | null
	account: string | null
	segment: string | null
	tier: string | null
	class: string
	reason: string | null
	origin: string | null
	money: Value
	currency: string | null
}

export function DealTable({ rows, currency, caption, dated }: { rows: DealRow[]; currency: string | null; caption: string; dated: string }) {
	const label = useLabels()
	const rep = useNames('reps')
	const columns: Column<DealRow>[] = [
		{ key: 'deal', label: 'Deal', sort: row => row.name ?? row.id, cell: row => <DealLink id={row.id}>{row.name ?? row.id}</DealLink> },
		{ key: 'class', label: 'Verdict', sort: row => row.class, cell: row => <ClassMark name={row.class} reason={row.class === 'unknown' ? row.reason : null} /> },
		{ key: 'segment', label: 'Segment', wide: true, sort: row => row.segment, cell: row => (row.segment ? label(row.segment) : '–') },
		{ key: 'tier', label: 'Tier', wide: true, sort: row => row.tier, cell: row => row.tier ?? '–' },
		{ key: 'rep', label: 'Rep', wide: true, sort: row => rep(row.rep), cell: row => <RepLink id={row.rep}>{rep(row.rep)}</RepLink> },
		{ key: 'origin', label: 'Origin', wide: true, sort: row => row.origin, cell: row => row.origin ?? '–' },
		{ key: 'at', label: dated, wide: true, align: 'right', sort: row => row.at, cell: row => date(row.at) },
		{ key: 'money', label: 'Money', align: 'right', sort: row => (row.money === null ? null : Number(row.money)), cell: row => <span title={exact(row.money, currency)}>{money(row.money, currency)}</span> }
	]
	return <DataTable caption={caption} rows={rows} rowKey={row => row.id + (row.rep ?? '')} columns={columns} sortBy="-money" />
}

/** What is not there yet of a list, and the way to it. */
export function More({ list }: { list: Paged<unknown> }) {
	if (list.problem) return <ProblemNote problem={list.problem} {...(list.more ? { again: list.more } : {})} />
	if (!list.more) return null
	return (
		<p class="more">
			{list.rows.length} shown; there are more. <button type="button" class="button" disabled={list.fetching} onClick={list.more}>{list.fetching ? 'Fetching…' : 'Show more'}</button>
		</p>
	)
}
