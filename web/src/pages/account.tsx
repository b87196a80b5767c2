// How well an account fits, why, and since when; what is known of it; and the tier set by hand, with its reason.
import { useState } from 'preact/hooks'
import { Answered, PageLink, ProblemNote } from '../components/basics'
import { More } from '../components/deals'
import { Figure } from '../components/figure'
import { RepLink, StrategyLink } from '../components/links'
import { PageHead } from '../components/page-head'
import { DataTable } from '../components/table'
import { ClassMark, Criteria, Facts, ScoreScale, shown, type Breakdown, type Tier } from '../components/verdict'
import { useAction } from '../lib/action'
import { useAnswer, type Answer } from '../lib/answers'
import { ask } from '../lib/api'
import { useFilters } from '../lib/filters'
import { date, NONE, percent, words } from '../lib/format'
import { useLabels } from '../lib/labels'
import { useNames } from '../lib/names'
import { usePages } from '../lib/paging'
import { session } from '../lib/session'
import { useStore } from '../lib/store'
import type { PageProps } from '../pages'

interface Override {
	tier: string
	reason: string
	until: string | null
	set_at: string
	actor: string | null
}
interface Fit extends Breakdown {
	account: string
	name: string | null
	as_of: string
	team: string | null
	strategy: string | null
	strategy_name: string | null
	segment: string
	tier: string
	class: string
	reason: string | null
	valid_from: string | null
	tiers?: Tier[]
	override: Override | null
	computed?: { tier: string; class: string; reason: string | null }
}
interface Account {
	id: string
	name: string | null
	status: string
	owner?: string | null
	is_target?: boolean
	parent?: string | null
	attributes?: Record<string, unknown>
}
interface Change {
	event_id: string
	source: string
	occurred_at: string
	operation: string
	patch: Record<string, unknown> | null
}

/** What an event set, in one line a field. */
function Patch({ patch, operation }: { patch: Record<string, unknown> | null; operation: string }) {
	const { attributes, ...fields } = patch ?? {}
	const set = Object.entries({ ...fields, ...(attributes as Record<string, unknown> | undefined) })
	if (set.length === 0) return <>{words(operation)}</>
	return <ul class="patch">{set.map(([name, value]) => <li key={name}><code>{name}</code> {value === null ? 'cleared' : shown(value)}</li>)}</ul>
}

function History({ id }: { id: string }) {
	const list = usePages<Change>({ path: `/v1/accounts/${encodeURIComponent(id)}/history`, query: { limit: 50 } })
	return (
		<Answered answer={list} what="Fetching its history">
			{() => (
				<Figure title="What was told of it" request={list.request} lead="Every accepted change, the latest first.">
					<DataTable caption="History" rows={list.rows} rowKey={row => row.event_id} columns={[
						{ key: 'at', label: 'When', cell: row => date(row.occurred_at) },
						{ key: 'patch', label: 'What', cell: row => <Patch patch={row.patch} operation={row.operation} /> },
						{ key: 'source', label: 'From', wide: true, cell: row => row.source }
					]} />
					<More list={list} />
				</Figure>
			)}
		</Answered>
	)
}

/** Sets the tier by hand, or takes that back. */
function ByHand({ fit, done }: { fit: Fit; done: () => void }) {
	const [tier, setTier] = useState(fit.tiers?.[0]?.key ?? '')
	const [reason, setReason] = useState('')
	const [until, setUntil] = useState('')
	const { busy, problem, run } = useAction()
	const path = `/v1/accounts/${encodeURIComponent(fit.account)}/fit-override`
	const write = async (method: 'PUT' | 'DELETE') => {
		const body = method === 'PUT' ? { tier, reason, ...(until ? { until } : {}) } : undefined
		if (await run(() => ask({ path, method, body }))) {
			setReason('')
			done()
		}
	}
	return (
		<div class="by-hand">
			{fit.override && (
				<p>Set to <strong>{fit.override.tier}</strong> by hand on {date(fit.override.set_at)}{fit.override.until && `, until ${date(fit.override.until)}`}: “{fit.override.reason}”. Computed: {fit.computed?.tier ?? NONE}. <button type="button" class="button" disabled={busy} onClick={() => write('DELETE')}>Take it back</button></p>
			)}
			<form onSubmit={event => { event.preventDefault(); void write('PUT') }}>
				<label class="field"><span>Tier</span>
					<select value={tier} onChange={event => setTier(event.currentTarget.value)}>{[...(fit.tiers?.map(({ key }) => key) ?? []), 'excluded'].map(key => <option key={key} value={key}>{key}</option>)}</select>
				</label>
				<label class="field is-wide"><span>Reason</span><input required maxLength={1000} value={reason} onInput={event => setReason(event.currentTarget.value)} /></label>
				<label class="field"><span>Until</span><input type="date" value={until} onInput={event => setUntil(event.currentTarget.value)} /></label>
				<button type="submit" class="button" disabled={busy || reason.trim() === ''}>Set by hand</button>
			</form>
			<p class="hint">Holds for decisions from now on; what was decided before keeps its verdict. It is written to the audit log.</p>
			{problem && <ProblemNote problem={problem} />}
		</div>
	)
}

function Known({ account }: { account: Answer<Account> }) {
	const rep = useNames('reps')
	return (
		<Answered answer={account} what="Fetching what is known">
			{data => (
				<Figure title="What is known" request={account.request} csv={false}>
					<Facts facts={[
						['Status', data.status], ['Owner', <RepLink id={data.owner}>{rep(data.owner)}</RepLink>], ['Target', data.is_target ? 'yes' : 'no'],
						...(data.parent ? [['Parent', data.parent] as [string, string]] : []),
						...Object.entries(data.attributes ?? {}).map(([name, value]) => [words(name), shown(value)] as [string, string])
					]} />
				</Figure>
			)}
		</Answered>
	)
}

export default function AccountPage({ params }: PageProps) {
	const { as_of, known_at } = useFilters()
	const who = useStore(session)
	const label = useLabels()
	const id = params['id']!
	const path = `/v1/accounts/${encodeURIComponent(id)}`
	const answer = useAnswer<Fit>({ path: `${path}/fit`, query: { as_of, known_at } })
	const account = useAnswer<Account>({ path })
	return (
		<Answered answer={answer} what="Looking at the account">
			{fit => (
				<>
					<PageHead crumb={<PageLink to="/accounts">Accounts</PageLink>} title={fit.name ?? fit.account} lead={<><ClassMark name={fit.class} reason={fit.reason} /> · {label(fit.segment)} · tier {fit.tier}</>} />
					<div class="stack">
						{fit.score !== undefined && fit.criteria && (
							<Figure title="How well it fits" request={answer.request} csv={false} lead={<>By <StrategyLink id={fit.strategy}>{fit.strategy_name}</StrategyLink>{fit.valid_from && <>, since {date(fit.valid_from)}</>}. {fit.coverage !== null && `${percent(fit.coverage)} of what counts is known.`}</>}>
								<ScoreScale fit={fit} tiers={fit.tiers ?? []} />
								<Criteria fit={fit} />
							</Figure>
						)}
						<div class="columns">
							<Known account={account} />
							{who?.scopes.includes('strategy') && fit.tiers && !as_of && <Figure title="Set by hand"><ByHand fit={fit} done={answer.refresh} /></Figure>}
						</div>
						<History id={id} />
					</div>
				</>
			)}
		</Answered>
	)
}
