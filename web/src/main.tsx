import { render } from 'preact'
import './lib/theme'
import './styles/index.css'
import { App } from './app'
import { begin } from './lib/session'

void begin()
render(<App />, document.getElementById('app')!)
