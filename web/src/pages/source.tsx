// One source: its address and secrets, what overrides its preset, and a box to try a delivery.
import { useEffect, useState } from 'preact/hooks'
import { Answered, PageLink, ProblemNote } from '../components/basics'
import { DocumentField, pretty, Written } from '../components/document'
import { Figure } from '../components/figure'
import { PageHead } from '../components/page-head'
import { TestBox } from '../components/source/test-box'
import { DataTable } from '../components/table'
import { Facts } from '../components/verdict'
import { parsed, useAction } from '../lib/action'
import { useAnswer } from '../lib/answers'
import { ask } from '../lib/api'
import { ago, date } from '../lib/format'
import type { PageProps } from '../pages'
import type { Source } from './sources'

const STATE: Record<string, string> = { in_force: 'in force', outgoing: 'still holds', past: 'holds no more' }

function Secrets({ source, path, changed }: { source: Source; path: string; changed: () => void }) {
	const [given, setGiven] = useState('')
	const [made, setMade] = useState<string | null>(null)
	const { busy, problem, run } = useAction()
	const rotate = () => run(async () => {
		setMade(null)
		const answer = await ask<{ secret?: string }>({ path: `${path}/secrets`, method: 'POST', body: given ? { secret: given } : {} })
		setMade(answer.secret ?? null)
		setGiven('')
		changed()
	})
	return (
		<>
			{source.secrets.length > 0 && (
				<DataTable caption="Secrets" rows={source.secrets} rowKey={row => String(row.number)} columns={[
					{ key: 'number', label: 'Secret', cell: row => `no. ${row.number}` },
					{ key: 'state', label: 'State', cell: row => STATE[row.state] ?? row.state },
					{ key: 'from', label: 'From', align: 'right', cell: row => date(row.not_before) },
					{ key: 'to', label: 'Until', align: 'right', cell: row => date(row.not_after) }
				]} />
			)}
			<form class="inline-form" onSubmit={event => { event.preventDefault(); void rotate() }}>
				<label class="field is-wide"><span>Secret of the sender; empty: make one</span><input type="password" autocomplete="off" value={given} onInput={event => setGiven(event.currentTarget.value)} /></label>
				<button type="submit" class="button" disabled={busy}>{source.secrets.length > 0 ? 'Rotate' : 'Set the secret'}</button>
			</form>
			<p class="hint">The one before goes on to hold for 24 hours, so that nothing is lost while you change it on the other side.</p>
			{made && <p role="status">Shown this once: <code>{made}</code></p>}
			{problem && <ProblemNote problem={problem} />}
		</>
	)
}

function Override({ source, path, changed }: { source: Source; path: string; changed: () => void }) {
	const written = pretty(source.override ?? {})
	const [text, setText] = useState(written)
	const action = useAction()
	useEffect(() => setText(written), [written])
	// The whole source anew: a merge patch would keep what was taken out of the override.
	const save = () => action.run(async () => {
		const { source: name, preset, enabled, url } = source
		await ask({ path, method: 'PUT', body: { source: name, preset, enabled, url, override: parsed(text) } })
		changed()
	})
	return (
		<>
			<DocumentField label="Override, a merge patch (RFC 7396) to the preset" text={text} onInput={setText} action={action} rows={8} />
			<div class="actions">
				<button type="button" class="button" disabled={action.busy || text === written} onClick={save}>Save the override</button>
			</div>
			<details class="whole"><summary>The whole document in force</summary><Written label="Document" text={pretty(source.document)} /></details>
		</>
	)
}

export default function SourcePage({ params }: PageProps) {
	const path = `/v1/sources/${encodeURIComponent(params['source']!)}`
	const answer = useAnswer<Source>({ path })
	const { busy, problem, run } = useAction()
	const turn = (enabled: boolean) => run(async () => {
		await ask({ path, method: 'PATCH', body: { enabled } })
		answer.refresh()
	})
	return (
		<Answered answer={answer} what="Fetching the source">
			{source => (
				<>
					<PageHead crumb={<PageLink to="/sources">Sources</PageLink>} title={source.source} lead={String(source.document['title'] ?? source.preset ?? 'A document of its own')} />
					<div class="stack">
						<Figure title="Where it sends" request={answer.request} csv={false}>
							<Facts facts={[
								['Address to enter there', <code>{source.url ?? location.origin + source.webhook}</code>],
								['State', source.enabled ? 'takes deliveries' : 'switched off: deliveries are answered 404'],
								['Last delivery', source.last_delivery_at ? ago(Date.parse(source.last_delivery_at)) : 'none yet'],
								['In quarantine', source.quarantined_open > 0 ? <PageLink to="/quarantine">{source.quarantined_open}</PageLink> : 'nothing']
							]} />
							<div class="actions"><button type="button" class="button" disabled={busy} onClick={() => turn(!source.enabled)}>{source.enabled ? 'Switch it off' : 'Switch it on'}</button></div>
							{problem && <ProblemNote problem={problem} />}
						</Figure>
						<Figure title="Secrets" request={{ path: `${path}/secrets`, method: 'POST', body: {} }} csv={false}><Secrets source={source} path={path} changed={answer.refresh} /></Figure>
						<Figure title="Try a delivery" lead="Paste what your CRM sent: see how it is verified, what it means and what it would change. Nothing is written."><TestBox source={source.source} /></Figure>
						<Figure title="What your CRM does differently"><Override source={source} path={path} changed={answer.refresh} /></Figure>
					</div>
				</>
			)}
		</Answered>
	)
}
