import '../lib/nasedu.css';
