// Accounts: the customers there are, the targets and whether anybody sees them, and those that fit and nobody sells to.
import { Answered, Empty } from '../components/basics'
import { Choice, useChoice } from '../components/choice'
import { More } from '../components/deals'
import { Figure } from '../components/figure'
import { AccountLink, RepLink } from '../components/links'
import { PageHead } from '../components/page-head'
import { DataTable, type Column } from '../components/table'
import { ClassMark } from '../components/verdict'
import { useFilters } from '../lib/filters'
import { count, date, exact, money } from '../lib/format'
import { useLabels } from '../lib/labels'
import { useNames } from '../lib/names'
import { usePages } from '../lib/paging'
import { periodName } from '../lib/periods'
import type { Terms } from '../lib/types'

const SHOWN = [
	['client_share_on_strategy', 'Customers'],
	['target_coverage', 'Targets'],
	['white_space', 'White space']
] as const
const SENTENCE: Record<string, string> = {
	client_share_on_strategy: 'Those who bought, each as it fits the strategy, with what it bought in the period.',
	target_coverage: 'Accounts marked as targets: seen as often as the strategy asks, too rarely, or not at all.',
	white_space: 'Accounts that fit the strategy and have no open deal: where to go next.'
}

interface AccountRow {
	id: string
	name: string | null
	rep: string | null
	segment: string
	tier: string
	class: string
	reason?: string | null
	money?: string | null
	state?: string
	activities?: number
	last_activity_at?: string | null
	score?: number | null
	is_target?: boolean
}

const STATE: Record<string, [mark: string, label: string]> = { green: ['●', 'Covered'], amber: ['▲', 'Too rarely'], red: ['■', 'Not seen'], grace: ['○', 'New owner'] }

function Coverage({ state }: { state: string | undefined }) {
	const [mark, label] = STATE[state ?? ''] ?? ['○', state ?? '–']
	return <span class={`coverage coverage-${state}`}><span aria-hidden="true">{mark}</span> {label}</span>
}

function columns(shown: string, currency: string | null, label: (key: string) => string, rep: (id: string | null) => string): Column<AccountRow>[] {
	const common: Column<AccountRow>[] = [
		{ key: 'account', label: 'Account', sort: row => row.name ?? row.id, cell: row => <AccountLink id={row.id}>{row.name ?? row.id}</AccountLink> },
		{ key: 'segment', label: 'Segment', wide: true, sort: row => row.segment, cell: row => label(row.segment) },
		{ key: 'tier', label: 'Tier', sort: row => row.tier, cell: row => row.tier },
		{ key: 'rep', label: 'Owner', wide: true, sort: row => rep(row.rep), cell: row => <RepLink id={row.rep}>{rep(row.rep)}</RepLink> }
	]
	if (shown === 'client_share_on_strategy') {
		return [...common, { key: 'class', label: 'Verdict', sort: row => row.class, cell: row => <ClassMark name={row.class} reason={row.class === 'unknown' ? row.reason : null} /> },
			{ key: 'money', label: 'Bought', align: 'right', sort: row => (row.money == null ? null : Number(row.money)), cell: row => <span title={exact(row.money, currency)}>{money(row.money, currency)}</span> }]
	}
	if (shown === 'target_coverage') {
		return [...common, { key: 'state', label: 'Coverage', sort: row => row.state ?? null, cell: row => <Coverage state={row.state} /> },
			{ key: 'activities', label: 'Activities', align: 'right', sort: row => row.activities ?? null, cell: row => count(row.activities ?? null) },
			{ key: 'last', label: 'Last seen', align: 'right', wide: true, sort: row => row.last_activity_at ?? null, cell: row => date(row.last_activity_at) }]
	}
	return [...common, { key: 'score', label: 'Score', align: 'right', sort: row => row.score ?? null, cell: row => count(row.score ?? null) },
		{ key: 'target', label: 'Target', wide: true, sort: row => (row.is_target ? 'yes' : 'no'), cell: row => (row.is_target ? 'yes' : 'no') },
		{ key: 'last', label: 'Last seen', align: 'right', wide: true, sort: row => row.last_activity_at ?? null, cell: row => date(row.last_activity_at) }]
}

const FIRST: Record<string, string> = { client_share_on_strategy: '-money', target_coverage: '-state', white_space: '-score' }

export default function Accounts() {
	const filters = useFilters()
	const label = useLabels()
	const rep = useNames('reps')
	const shown = useChoice('shown', SHOWN)
	const list = usePages<AccountRow>({ path: `/v1/metrics/${shown}/rows`, query: filters })
	const terms = list.data as (Terms & { data: AccountRow[] }) | null
	return (
		<>
			<PageHead title="Accounts" lead={`Whom the field sells to, should see, and has not found yet. ${periodName(filters['period']!)}.`} />
			<Choice label="Which accounts" name="shown" options={SHOWN} />
			<Answered answer={list} what="Fetching accounts">
				{() => list.rows.length === 0 ? <Empty title="No such account in this period">Pick another period or team.</Empty> : (
					<Figure title={SHOWN.find(([key]) => key === shown)![1]} request={list.request} lead={SENTENCE[shown]}>
						<DataTable key={shown} caption="Accounts" rows={list.rows} rowKey={row => row.id} sortBy={FIRST[shown]!} columns={columns(shown, terms?.currency ?? null, label, rep)} />
						<More list={list} />
					</Figure>
				)}
			</Answered>
		</>
	)
}
