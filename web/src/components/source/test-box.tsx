// A payload pasted in: how it would be verified, what it would mean, what each event would change. Writes nothing.
import { useState } from 'preact/hooks'
import { useAction } from '../../lib/action'
import { ask } from '../../lib/api'
import { count } from '../../lib/format'
import { ProblemNote } from '../basics'
import { DocumentField } from '../document'
import { DataTable } from '../table'
import { shown } from '../verdict'
import { Outcomes, type Outcome } from './outcomes'

interface Tested {
	verification: { verified: boolean; code?: string; message?: string; url?: string }
	accepted: number
	quarantined: number
	ignored: number
	items: Outcome[]
	events: { index: number; kind: string; id: string; operation: string; occurred_at: string | null; changes: Record<string, { before: unknown; after: unknown }> | null }[]
	unmapped: unknown[]
}

/** `Name: value` a line, as they stand in a request. */
function headersOf(text: string): Record<string, string> {
	const lines = text.split('\n').map(line => line.trim()).filter(line => line !== '')
	return Object.fromEntries(lines.map(line => {
		const at = line.indexOf(':')
		return at < 0 ? [line, ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()]
	}))
}

function Changes({ event }: { event: Tested['events'][number] }) {
	const changes = Object.entries(event.changes ?? {})
	if (changes.length === 0) return <>nothing</>
	return <ul class="patch">{changes.map(([name, { before, after }]) => <li key={name}><code>{name}</code> {before === null ? '' : `${shown(before)} → `}{after === null ? 'cleared' : shown(after)}</li>)}</ul>
}

function Result({ tested }: { tested: Tested }) {
	const { verification } = tested
	return (
		<div class="tested" role="status">
			<p><strong>{verification.verified ? 'The signature is right.' : 'It would be refused with 401.'}</strong> {verification.message} {verification.code && <code>{verification.code}</code>}</p>
			<p>{count(tested.accepted)} {tested.accepted === 1 ? 'item' : 'items'} understood, {count(tested.quarantined)} would go to quarantine, {count(tested.ignored)} ignored.{tested.unmapped.length > 0 && ` Not mapped: ${tested.unmapped.map(one => (typeof one === 'string' ? one : JSON.stringify(one))).join(', ')}.`}</p>
			{tested.items.length > 0 && <Outcomes items={tested.items} />}
			{tested.events.length > 0 && (
				<DataTable caption="What would change" rows={tested.events} rowKey={row => `${row.index} ${row.kind} ${row.id}`} columns={[
					{ key: 'object', label: 'Would change', cell: row => `${row.kind} ${row.id}` },
					{ key: 'operation', label: 'By', cell: row => row.operation },
					{ key: 'changes', label: 'Attributes', cell: row => <Changes event={row} /> }
				]} />
			)}
		</div>
	)
}

export function TestBox({ source }: { source: string }) {
	const [body, setBody] = useState('')
	const [headers, setHeaders] = useState('')
	const [tested, setTested] = useState<Tested | null>(null)
	const { busy, problem, run } = useAction()
	const test = () => run(async () => {
		setTested(null)
		// As text, byte for byte: a signature is made over exactly this.
		setTested(await ask<Tested>({ path: `/v1/sources/${encodeURIComponent(source)}/test`, method: 'POST', body: { body, headers: headersOf(headers) } }))
	})
	return (
		<form class="test-box" onSubmit={event => { event.preventDefault(); void test() }}>
			<DocumentField label="Body, exactly as it was sent" text={body} onInput={setBody} rows={9} />
			<DocumentField label="Headers, one a line (for the signature)" text={headers} onInput={setHeaders} rows={3} />
			<div class="actions"><button type="submit" class="button primary" disabled={busy || body === ''}>{busy ? 'Testing…' : 'Test it'}</button></div>
			{problem && <ProblemNote problem={problem} />}
			{tested && <Result tested={tested} />}
		</form>
	)
}
