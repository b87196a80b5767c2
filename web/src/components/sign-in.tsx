// Where a key becomes a session. The key is sent once and kept nowhere.
import { useState } from 'preact/hooks'
import { Problem } from '../lib/api'
import { sessionProblem, signIn } from '../lib/session'
import { useStore } from '../lib/store'
import { ProblemNote } from './basics'

export function SignIn() {
	const [key, setKey] = useState('')
	const [busy, setBusy] = useState(false)
	const problem = useStore(sessionProblem)
	const submit = (event: Event) => {
		event.preventDefault()
		setBusy(true)
		signIn(key.trim()).catch(error => {
			sessionProblem.set(error instanceof Problem ? error : new Problem(0, 'unexpected', String(error)))
			setBusy(false)
		})
	}
	return (
		<main class="sign-in">
			<h1>Plumbline</h1>
			<p class="lead">Is the sales team executing the strategy, or setting its own?</p>
			<form onSubmit={submit}>
				<label for="key">API key</label>
				<input id="key" type="password" autocomplete="current-password" spellcheck={false} required value={key} placeholder="pl_…" onInput={event => setKey(event.currentTarget.value)} />
				<button type="submit" class="button primary" disabled={busy || key.trim() === ''}>{busy ? 'Signing in…' : 'Sign in'}</button>
			</form>
			{problem && <ProblemNote problem={problem} />}
			<p class="hint">An operator makes one: <code>plumbline key create --org default --scope read</code>. It is exchanged for a session of eight hours and not kept in this browser.</p>
		</main>
	)
}
