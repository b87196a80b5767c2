// Who is signed in. The cookie is the browser's and cannot be read here; what it stands for is what GET /v1/session says.
import { forgetAnswers } from './answers'
import { ask, Problem, signedOut } from './api'
import { go } from './router'
import { Store } from './store'
import type { Session } from './types'

/** undefined: not known yet. null: nobody. */
export const session = new Store<Session | null | undefined>(undefined)
/** Why nobody is, where there is something to say. */
export const sessionProblem = new Store<Problem | null>(null)

signedOut.watch(() => {
	if (!signedOut.get()) return
	if (session.get()) sessionProblem.set(new Problem(401, 'session_ended', 'The session has ended. Sign in again to go on where you were.'))
	forgetAnswers()
	session.set(null)
})

/** Takes `#key=…` out of the address before anything else happens: it must not stay in the history. */
function keyInAddress(): string | null {
	const found = /^#key=([^&]+)/.exec(location.hash)
	if (!found) return null
	go('#/', true)
	return decodeURIComponent(found[1]!)
}

export async function begin(): Promise<void> {
	const key = keyInAddress()
	try {
		if (key) await signIn(key)
		else session.set(await ask<Session>({ path: '/v1/session' }))
	} catch (error) {
		session.set(null)
		if (error instanceof Problem && (key || error.status !== 401)) sessionProblem.set(error)
	}
}

export async function signIn(key: string): Promise<void> {
	const body = await ask<Session>({ path: '/v1/session', method: 'POST', key })
	forgetAnswers()
	signedOut.set(false)
	sessionProblem.set(null)
	session.set(body)
}

export async function signOut(): Promise<void> {
	await ask<null>({ path: '/v1/session', method: 'DELETE' })
	forgetAnswers()
	session.set(null)
}

export const may = (scope: string): boolean => session.get()?.scopes.includes(scope) ?? false
