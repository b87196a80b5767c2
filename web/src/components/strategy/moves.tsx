// What a draft would change, before anything is changed: which accounts and deals get another tier, segment or verdict.
import { count, exact, money } from '../../lib/format'
import { useLabels } from '../../lib/labels'
import { Empty } from '../basics'
import { AccountLink, DealLink } from '../links'
import { DataTable } from '../table'
import type { Warning } from './document'

interface Move {
	from: string
	to: string
	n: number
	money: string
	sample: string[]
}
interface Part {
	n: number
	money: string
	moves: { tier: Move[]; class: Move[]; segment: Move[] }
}
export interface Preview {
	at: string
	against: string[]
	currency: string
	accounts: number
	classes: { on: number; off: number; unknown: number }
	tiers: Move[]
	segments: Move[]
	bookings: Part
	pipeline: Part
	warnings: Warning[]
}

function Moves({ rows, caption, kind, currency }: { rows: Move[]; caption: string; kind: 'accounts' | 'deals'; currency: string }) {
	const label = useLabels()
	const Link = kind === 'accounts' ? AccountLink : DealLink
	if (rows.length === 0) return null
	return (
		<DataTable caption={caption} rows={rows} rowKey={row => row.from + row.to} sortBy="-n" columns={[
			{ key: 'move', label: caption, cell: row => <>{label(row.from)} → {label(row.to)}</> },
			{ key: 'n', label: kind === 'accounts' ? 'Accounts' : 'Deals', align: 'right', sort: row => row.n, cell: row => count(row.n) },
			{ key: 'money', label: 'Money', align: 'right', sort: row => Number(row.money), cell: row => <span title={exact(row.money, currency)}>{money(row.money, currency)}</span> },
			{ key: 'sample', label: 'For example', wide: true, cell: row => row.sample.slice(0, 4).map((id, at) => <>{at > 0 && ', '}<Link key={id} id={id} /></>) }
		]} />
	)
}

export function Warnings({ warnings }: { warnings: Warning[] }) {
	if (warnings.length === 0) return null
	return <ul class="rules warnings">{warnings.map(({ code, message, pointer }) => <li key={code + pointer}><span aria-hidden="true">▲</span> {message} <code>{code}</code></li>)}</ul>
}

export function PreviewShown({ preview }: { preview: Preview }) {
	const { bookings, pipeline, currency } = preview
	const deals = [...bookings.moves.class, ...bookings.moves.tier, ...bookings.moves.segment, ...pipeline.moves.class, ...pipeline.moves.tier, ...pipeline.moves.segment]
	return (
		<div class="preview">
			<p>Of {count(preview.accounts)} accounts, {count(preview.classes.on)} would be on strategy, {count(preview.classes.off)} off, {count(preview.classes.unknown)} unknown.
				It would judge {count(bookings.n)} won deals and {count(pipeline.n)} open ones. Nothing is written by looking.</p>
			<Warnings warnings={preview.warnings} />
			{preview.tiers.length + preview.segments.length + deals.length === 0 && <Empty title="Nothing moves">Every account and deal keeps its verdict.</Empty>}
			<Moves caption="Accounts by tier" rows={preview.tiers} kind="accounts" currency={currency} />
			<Moves caption="Accounts by segment" rows={preview.segments} kind="accounts" currency={currency} />
			<Moves caption="Won deals by verdict" rows={bookings.moves.class} kind="deals" currency={currency} />
			<Moves caption="Open deals by verdict" rows={pipeline.moves.class} kind="deals" currency={currency} />
			<Moves caption="Open deals by tier" rows={pipeline.moves.tier} kind="deals" currency={currency} />
		</div>
	)
}

interface Change {
	pointer: string
	change: string
	from?: unknown
	to?: unknown
}

export function Changes({ changes }: { changes: Change[] }) {
	const text = (value: unknown) => (value === undefined || value === null ? '–' : typeof value === 'object' ? JSON.stringify(value) : String(value))
	return (
		<DataTable caption="What is written differently" rows={changes} rowKey={row => row.pointer} columns={[
			{ key: 'pointer', label: 'Where', cell: row => <code>{row.pointer}</code> },
			{ key: 'from', label: 'Was', cell: row => text(row.from) },
			{ key: 'to', label: 'Becomes', cell: row => text(row.to) }
		]} />
	)
}
