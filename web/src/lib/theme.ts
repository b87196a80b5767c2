// Light or dark: the system's, unless somebody chose here.
import { Store } from './store'

export type Theme = 'system' | 'light' | 'dark'

const NAME = 'plumbline-theme'
const read = (): Theme => {
	try {
		const kept = localStorage.getItem(NAME)
		return kept === 'light' || kept === 'dark' ? kept : 'system'
	} catch {
		return 'system' // storage is forbidden
	}
}

export const theme = new Store<Theme>(read())

function apply(): void {
	const chosen = theme.get()
	if (chosen === 'system') delete document.documentElement.dataset['theme']
	else document.documentElement.dataset['theme'] = chosen
}
apply()

export function choose(value: Theme): void {
	theme.set(value)
	apply()
	try {
		if (value === 'system') localStorage.removeItem(NAME)
		else localStorage.setItem(NAME, value)
	} catch { /* then it holds for this page only */ }
}
